INSERT INTO sign_in_links (hash, operator, expires_at) VALUES ($1, $2, $3)
