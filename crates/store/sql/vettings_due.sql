SELECT account, ladder, state, body, since, due_at, version
FROM vettings WHERE due_at < $1 ORDER BY due_at, account, ladder LIMIT $2
