INSERT INTO resources (kind, name, id, version, body, created_at, updated_at)
SELECT
  value ->> 0, value ->> 1, unhex(value ->> 2), $1, value ->> 3, value ->> 4, value ->> 5
FROM json_each($2)
WHERE true
ON CONFLICT (kind, name) DO UPDATE SET
  id = excluded.id,
  version = excluded.version,
  body = excluded.body,
  updated_at = excluded.updated_at
