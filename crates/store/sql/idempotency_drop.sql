DELETE FROM idempotency_keys WHERE begun_at < $1
