"""Control panels' tables as far as their customers go, with some of them, and the contacts they should become."""
# ruff: noqa: E501 (a row a line)

WHMCS = """
CREATE TABLE tblclients (id int PRIMARY KEY AUTO_INCREMENT, firstname text NOT NULL, lastname text NOT NULL, companyname text NOT NULL,
  email text NOT NULL, language text NOT NULL, status enum('Active','Inactive','Closed') NOT NULL DEFAULT 'Active');
CREATE TABLE tblcontacts (id int PRIMARY KEY AUTO_INCREMENT, userid int NOT NULL, firstname text NOT NULL, lastname text NOT NULL,
  email text NOT NULL, domainemails int NOT NULL, generalemails int NOT NULL, invoiceemails int NOT NULL, productemails int NOT NULL,
  supportemails int NOT NULL, affiliateemails int NOT NULL);
INSERT INTO tblclients (id, firstname, lastname, companyname, email, language, status) VALUES
  (12, 'Seán', 'O&#039;Brien', 'Shop', 'sean@shop.example', 'english', 'Active'), (13, 'Олена', 'Коваленко', '', 'Olena@Shop.example', 'ukranian', 'Inactive'),
  (14, 'Gone', 'Away', '', 'gone@shop.example', '', 'Closed');
INSERT INTO tblcontacts (userid, firstname, lastname, email, domainemails, generalemails, invoiceemails, productemails, supportemails, affiliateemails) VALUES
  (12, 'Book', 'Keeper', 'books@shop.example', 0, 1, 1, 0, 0, 0), (12, 'Tech', 'Nician', 'tech@shop.example', 1, 1, 0, 1, 1, 0),
  (12, 'No', 'Body', 'nobody@shop.example', 0, 1, 0, 0, 0, 0), (14, 'Also', 'Gone', 'also@shop.example', 1, 1, 1, 1, 1, 0)
"""
BLESTA = """
CREATE TABLE clients (id int PRIMARY KEY, id_format varchar(64) NOT NULL, id_value int NOT NULL, user_id int, client_group_id int NOT NULL,
  status enum('active','inactive','fraud') NOT NULL DEFAULT 'active');
CREATE TABLE contacts (id int PRIMARY KEY AUTO_INCREMENT, client_id int NOT NULL, contact_type enum('primary','billing','other') NOT NULL,
  first_name varchar(128) NOT NULL, last_name varchar(128) NOT NULL, email varchar(128) NOT NULL);
CREATE TABLE users (id int PRIMARY KEY, username varchar(64) NOT NULL);
CREATE TABLE client_settings (`key` varchar(128) NOT NULL, client_id int NOT NULL, value text, encrypted tinyint NOT NULL DEFAULT 0);
INSERT INTO clients VALUES (1, '{num}', 1500, 9, 1, 'active'), (2, 'A-{num}', 1501, NULL, 1, 'active'), (3, '{num}', 1502, NULL, 1, 'inactive');
INSERT INTO contacts (client_id, contact_type, first_name, last_name, email) VALUES (1, 'primary', 'Anna', 'Nowak', 'anna@sklep.example'),
  (1, 'billing', 'Biuro', 'Nowak', 'biuro@sklep.example'), (1, 'other', 'Jan', 'Nowak', 'jan@sklep.example'), (2, 'primary', 'Ada', 'B', 'ada@b.example'),
  (3, 'primary', 'Old', 'One', 'old@b.example');
INSERT INTO users VALUES (9, 'anna');
INSERT INTO client_settings (`key`, client_id, value) VALUES ('language', 1, 'pl_pl'), ('default_currency', 1, 'PLN')
"""
FOSSBILLING = """
CREATE TABLE client (id bigint PRIMARY KEY AUTO_INCREMENT, aid varchar(255), email varchar(255), status varchar(30) DEFAULT 'active', first_name varchar(100),
  last_name varchar(100), company varchar(100), lang varchar(10), UNIQUE KEY email (email));
INSERT INTO client (id, email, status, first_name, last_name, lang) VALUES (3, 'kurt@laden.example', 'active', 'Kurt', NULL, 'de_DE'),
  (4, 'sus@laden.example', 'suspended', 'Sus', 'Pended', NULL), (5, 'can@laden.example', 'canceled', 'C', 'D', NULL)
"""
HOSTBILL = """
CREATE TABLE hb_client_details (id int PRIMARY KEY AUTO_INCREMENT, parent_id int NOT NULL DEFAULT 0, firstname text NOT NULL, lastname text NOT NULL,
  companyname text NOT NULL, language text NOT NULL);
CREATE TABLE hb_client_access (id int PRIMARY KEY, email text NOT NULL,
  status enum('Active','Closed','Closing','PendingRemoval','Archived') NOT NULL DEFAULT 'Active');
CREATE TABLE hb_client_privileges (client_id int PRIMARY KEY, privileges mediumtext NOT NULL);
INSERT INTO hb_client_details VALUES (20, 0, 'Mia', 'Muster', '', 'german'), (21, 20, 'Bo', 'Halt', '', 'german'), (22, 0, 'Zu', 'Ende', '', 'english'),
  (23, 22, 'Auch', 'Ende', '', 'english');
INSERT INTO hb_client_access VALUES (20, 'mia@muster.example', 'Active'), (21, 'bo@muster.example', 'Active'), (22, 'zu@ende.example', 'Closed'),
  (23, 'auch@ende.example', 'Active')
"""
Contact = tuple[str, str, str, str | None, list[str], list[str]]
PANELS: dict[str, tuple[str, dict[str, Contact]]] = {
    "whmcs": (
        WHMCS,
        {
            "sean@shop.example": ("12", "sean@shop.example", "Seán O'Brien", "en", ["owner"], []),
            "books@shop.example": ("12", "sean@shop.example", "Book Keeper", "en", ["billing"], ["invoices"]),
            "tech@shop.example": ("12", "sean@shop.example", "Tech Nician", "en", ["technical"], ["support"]),
            "nobody@shop.example": ("12", "sean@shop.example", "No Body", "en", [], []),
            "olena@shop.example": ("13", "Olena@Shop.example", "Олена Коваленко", "uk", ["owner"], []),
        },
    ),
    "blesta": (
        BLESTA,
        {
            "anna@sklep.example": ("1500", "anna", "Anna Nowak", "pl", ["owner"], []),
            "biuro@sklep.example": ("1500", "anna", "Biuro Nowak", "pl", ["billing"], ["invoices"]),
            "jan@sklep.example": ("1500", "anna", "Jan Nowak", "pl", [], []),
            "ada@b.example": ("A-1501", "", "Ada B", None, ["owner"], []),
        },
    ),
    "fossbilling": (
        FOSSBILLING,
        {
            "kurt@laden.example": ("3", "kurt@laden.example", "Kurt", "de", ["owner"], []),
            "sus@laden.example": ("4", "sus@laden.example", "Sus Pended", None, ["owner"], []),
        },
    ),
    "hostbill": (
        HOSTBILL,
        {
            "mia@muster.example": ("20", "mia@muster.example", "Mia Muster", "de", ["owner"], []),
            "bo@muster.example": ("20", "mia@muster.example", "Bo Halt", "de", [], []),
        },
    ),
}
