SELECT account, ladder, state, body, since, due_at, version
FROM vettings WHERE account = $1 AND ladder = $2
