DELETE FROM idempotency_keys WHERE scope = $1 AND key = $2 AND status IS NULL
