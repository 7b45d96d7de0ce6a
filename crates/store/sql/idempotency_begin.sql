INSERT INTO idempotency_keys (scope, key, fingerprint, begun_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (scope, key) DO UPDATE SET begun_at = excluded.begun_at
WHERE idempotency_keys.status IS NULL
  AND idempotency_keys.fingerprint = excluded.fingerprint
  AND idempotency_keys.begun_at < $5
