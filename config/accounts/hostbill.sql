-- HostBill (MySQL, MariaDB): clients, and their contacts, which are clients with a parent. Only active ones.
-- What a contact may in HostBill is serialized PHP (hb_client_privileges), which no query reads: here contacts may add to
-- tickets and ask about their services, and nothing sensitive (rule S6). Write a query of your own to give them more.
SELECT
    CASE WHEN person.parent_id = 0 THEN person.id ELSE person.parent_id END AS number,
    COALESCE(parent.email, access.email) AS login,
    TRIM(CONCAT(person.firstname, ' ', person.lastname)) AS name,
    person.language AS language,
    access.email AS address,
    CASE WHEN person.parent_id = 0 THEN 'owner' ELSE 'none' END AS roles,
    '' AS purposes
FROM hb_client_details AS person
JOIN hb_client_access AS access ON access.id = person.id
LEFT JOIN hb_client_access AS parent ON parent.id = person.parent_id
WHERE access.status = 'Active' AND access.email <> '' AND (person.parent_id = 0 OR parent.status = 'Active')
ORDER BY number, roles DESC
