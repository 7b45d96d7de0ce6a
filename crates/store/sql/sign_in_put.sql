INSERT INTO sign_ins (id, hash, operator, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)
