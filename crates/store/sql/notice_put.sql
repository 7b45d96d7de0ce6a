INSERT INTO notices (account, place, at, kind, app, apis, says)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (account, place) DO NOTHING
