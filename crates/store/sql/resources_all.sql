SELECT kind, name, id, version, body, created_at, updated_at
FROM resources ORDER BY kind, name
