SELECT id, app, app_name, mode, rule, signal, value, state, action, levels, found, wanted, decision,
  calls, first_at, last_at, lower_until, marked_by, note, marked_at
FROM anomalies WHERE id = $1
