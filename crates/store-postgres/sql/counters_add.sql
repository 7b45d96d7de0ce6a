INSERT INTO counters (limit_key, mode, subject, fact, begins_at, ends_at, used)
SELECT * FROM unnest(
  $1::bigint[], $2::text[], $3::bytea[], $4::bytea[], $5::bigint[], $6::bigint[], $7::bigint[]
)
ON CONFLICT (limit_key, mode, subject, fact, begins_at, ends_at) DO UPDATE SET
  used = CASE
    WHEN counters.used > 9223372036854775807 - excluded.used THEN 9223372036854775807
    ELSE counters.used + excluded.used
  END
