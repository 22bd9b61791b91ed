-- FOSSBilling (MySQL, MariaDB), also BoxBilling: clients. A cancelled one is left out, and so ends.
SELECT
    client.id AS number,
    client.email AS login,
    TRIM(CONCAT(COALESCE(client.first_name, ''), ' ', COALESCE(client.last_name, ''))) AS name,
    COALESCE(client.lang, '') AS language,
    client.email AS address,
    'owner' AS roles,
    '' AS purposes
FROM client
WHERE client.status <> 'canceled' AND client.email <> ''
ORDER BY number
