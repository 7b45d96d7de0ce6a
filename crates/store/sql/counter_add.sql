INSERT INTO counters (limit_key, mode, subject, fact, begins_at, ends_at, used)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (limit_key, mode, subject, fact, begins_at, ends_at) DO UPDATE SET
  used = CASE
    WHEN counters.used > 9223372036854775807 - excluded.used THEN 9223372036854775807
    ELSE counters.used + excluded.used
  END
