-- WHMCS 7 and 8 (MySQL, MariaDB): clients, and the contacts they have entered. Closed clients are left out, and so end.
-- A contact gets invoices and support mail as WHMCS sends them; it may ask for what it is written to about (rule S6).
SELECT
    client.id AS number,
    client.email AS login,
    TRIM(CONCAT(client.firstname, ' ', client.lastname)) AS name,
    client.language AS language,
    client.email AS address,
    'owner' AS roles,
    '' AS purposes
FROM tblclients AS client
WHERE client.status <> 'Closed'
UNION ALL
SELECT
    client.id,
    client.email,
    TRIM(CONCAT(contact.firstname, ' ', contact.lastname)),
    client.language,
    contact.email,
    CASE
        WHEN contact.invoiceemails = 1 AND (contact.productemails = 1 OR contact.supportemails = 1) THEN 'billing;technical'
        WHEN contact.invoiceemails = 1 THEN 'billing'
        WHEN contact.productemails = 1 OR contact.supportemails = 1 THEN 'technical'
        ELSE 'none'
    END,
    CASE
        WHEN contact.invoiceemails = 1 AND contact.supportemails = 1 THEN 'invoices;support'
        WHEN contact.invoiceemails = 1 THEN 'invoices'
        WHEN contact.supportemails = 1 THEN 'support'
        ELSE ''
    END
FROM tblcontacts AS contact
JOIN tblclients AS client ON client.id = contact.userid
WHERE client.status <> 'Closed' AND contact.email <> ''
ORDER BY number, roles DESC
