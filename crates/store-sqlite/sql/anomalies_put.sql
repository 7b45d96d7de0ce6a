INSERT INTO anomalies (
  id, app, app_name, mode, rule, signal, value, state, action, levels, found, wanted, decision,
  calls, first_at, last_at, lower_until, marked_by, note, marked_at
)
SELECT
  unhex(value ->> 0), unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, value ->> 5,
  value ->> 6, 'open', value ->> 7, value ->> 8, value ->> 9, value ->> 10, unhex(value ->> 11),
  value ->> 12, value ->> 13, value ->> 14, value ->> 15, '', '', NULL
FROM json_each($1)
WHERE true
ON CONFLICT (id) DO UPDATE SET
  app_name = excluded.app_name,
  action = excluded.action,
  levels = excluded.levels,
  found = excluded.found,
  wanted = excluded.wanted,
  decision = excluded.decision,
  calls = anomalies.calls + excluded.calls,
  last_at = excluded.last_at,
  lower_until = CASE
    WHEN anomalies.state = 'fine' THEN NULL
    ELSE COALESCE(excluded.lower_until, anomalies.lower_until)
  END
