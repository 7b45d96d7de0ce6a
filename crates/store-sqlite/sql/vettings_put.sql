INSERT INTO vettings (account, ladder, state, body, since, due_at, version)
SELECT
  value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, $1
FROM json_each($2)
WHERE true
ON CONFLICT (account, ladder) DO UPDATE SET
  state = excluded.state,
  body = excluded.body,
  since = excluded.since,
  due_at = excluded.due_at,
  version = excluded.version
