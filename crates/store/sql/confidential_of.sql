SELECT account, name, kind, mask, sealed, updated_at
FROM confidential WHERE account = $1 ORDER BY name
