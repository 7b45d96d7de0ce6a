INSERT INTO anomalies (
  id, app, app_name, mode, rule, signal, value, state, action, levels, found, wanted, decision,
  calls, first_at, last_at, lower_until, marked_by, note, marked_at
)
SELECT id, app, app_name, mode, rule, signal, value, 'open', action, levels, found, wanted,
  decision, calls, first_at, last_at, lower_until, '', '', NULL
FROM unnest(
  $1::bytea[], $2::bytea[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
  $8::text[], $9::bigint[], $10::text[], $11::text[], $12::bytea[], $13::bigint[],
  $14::bigint[], $15::bigint[], $16::bigint[]
) AS new (
  id, app, app_name, mode, rule, signal, value, action, levels, found, wanted, decision, calls,
  first_at, last_at, lower_until
)
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
