INSERT INTO resources (kind, name, id, version, body, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (kind, name) DO UPDATE SET
  id = excluded.id,
  version = excluded.version,
  body = excluded.body,
  updated_at = excluded.updated_at
