INSERT INTO confidential (account, name, kind, mask, sealed, updated_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (account, name) DO UPDATE SET
  kind = excluded.kind,
  mask = excluded.mask,
  sealed = excluded.sealed,
  updated_at = excluded.updated_at
