INSERT INTO counters (limit_key, mode, subject, fact, begins_at, ends_at, used)
SELECT
  value ->> 0, value ->> 1, unhex(value ->> 2), unhex(value ->> 3), value ->> 4, value ->> 5,
  value ->> 6
FROM json_each($1)
WHERE true
ON CONFLICT (limit_key, mode, subject, fact, begins_at, ends_at) DO UPDATE SET
  used = CASE
    WHEN counters.used > 9223372036854775807 - excluded.used THEN 9223372036854775807
    ELSE counters.used + excluded.used
  END
