INSERT INTO mails (id, sealed, created_at, next_at, expires_at, tries, problem)
VALUES ($1, $2, $3, $4, $5, $6, $7)
