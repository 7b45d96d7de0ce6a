INSERT INTO resources (kind, name, id, version, body, created_at, updated_at)
SELECT * FROM unnest(
  $1::text[], $2::text[], $3::bytea[], $4::bigint[], $5::text[], $6::bigint[], $7::bigint[]
)
ON CONFLICT (kind, name) DO UPDATE SET
  id = excluded.id,
  version = excluded.version,
  body = excluded.body,
  updated_at = excluded.updated_at
