SELECT account, ladder, state, body, since, due_at, version
FROM vettings WHERE (since, account, ladder) > ($1, $2, $3)
ORDER BY since, account, ladder LIMIT $4
