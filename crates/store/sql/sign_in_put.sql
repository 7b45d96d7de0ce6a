INSERT INTO sign_ins (id, hash, kind, person, label, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
