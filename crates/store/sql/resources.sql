SELECT kind, name, id, version, body, created_at, updated_at
FROM resources WHERE kind = $1 AND name > $2 ORDER BY name LIMIT $3
