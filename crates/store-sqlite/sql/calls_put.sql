INSERT INTO call_index (
  id, at, day, mode, api, operation, app, developer, account, capabilities, outcome, status,
  code, record
)
SELECT
  unhex(value ->> 0), value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
  unhex(value ->> 6), unhex(value ->> 7), unhex(value ->> 8), value ->> 9, value ->> 10,
  value ->> 11, value ->> 12, value ->> 13
FROM json_each($1)
WHERE true
ON CONFLICT (id) DO NOTHING
