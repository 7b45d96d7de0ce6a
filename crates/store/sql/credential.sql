SELECT id, external_id, app, app_name, mode, hash, hint, permissions, created_at, expires_at,
  revoked_at, kind, signature, certificate
FROM credentials WHERE id = $1
