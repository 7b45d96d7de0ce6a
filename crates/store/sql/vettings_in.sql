SELECT account, ladder, state, body, since, due_at, version
FROM vettings WHERE state = $1 AND (since, account, ladder) > ($2, $3, $4)
ORDER BY since, account, ladder LIMIT $5
