INSERT INTO events (revision, position, id, at, actor, action, kind, name, detail)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
