INSERT INTO credentials (
  id, external_id, app, app_name, mode, hash, hint, permissions, created_at, expires_at,
  revoked_at, kind, signature, certificate
)
SELECT * FROM unnest(
  $1::bytea[], $2::text[], $3::bytea[], $4::text[], $5::text[], $6::text[], $7::text[],
  $8::text[], $9::bigint[], $10::bigint[], $11::bigint[],
  $12::text[], $13::text[], $14::bytea[]
)
ON CONFLICT (id) DO UPDATE SET
  external_id = excluded.external_id,
  app = excluded.app,
  app_name = excluded.app_name,
  mode = excluded.mode,
  hash = excluded.hash,
  hint = excluded.hint,
  permissions = excluded.permissions,
  expires_at = excluded.expires_at,
  revoked_at = excluded.revoked_at,
  kind = excluded.kind,
  signature = excluded.signature,
  certificate = excluded.certificate
