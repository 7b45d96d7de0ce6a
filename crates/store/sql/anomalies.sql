SELECT id, app, app_name, mode, rule, signal, value, state, action, levels, found, wanted, decision,
  calls, first_at, last_at, lower_until, marked_by, note, marked_at
FROM anomalies
WHERE app >= $1 AND app <= $2 AND ($3 = '' OR rule = $3) AND ($4 = '' OR state = $4)
  AND (first_at, id) < ($5, $6)
ORDER BY first_at DESC, id DESC LIMIT $7
