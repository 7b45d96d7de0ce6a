INSERT INTO credentials (
  id, external_id, app, app_name, mode, hash, hint, permissions, created_at, expires_at,
  revoked_at, kind, signature, certificate
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
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
