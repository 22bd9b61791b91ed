-- Blesta 4 and 5 (MySQL, MariaDB): clients by the number that customers see, and their contacts. Only active clients.
SELECT
    REPLACE(client.id_format, '{num}', client.id_value) AS number,
    COALESCE(login.username, '') AS login,
    TRIM(CONCAT(contact.first_name, ' ', contact.last_name)) AS name,
    COALESCE(setting.value, '') AS language,
    contact.email AS address,
    CASE contact.contact_type WHEN 'primary' THEN 'owner' WHEN 'billing' THEN 'billing' ELSE 'none' END AS roles,
    CASE contact.contact_type WHEN 'billing' THEN 'invoices' ELSE '' END AS purposes
FROM contacts AS contact
JOIN clients AS client ON client.id = contact.client_id
LEFT JOIN users AS login ON login.id = client.user_id
LEFT JOIN client_settings AS setting ON setting.client_id = client.id AND setting.`key` = 'language'
WHERE client.status = 'active' AND contact.email <> ''
ORDER BY number, roles DESC
