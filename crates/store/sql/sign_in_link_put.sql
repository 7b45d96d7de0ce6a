INSERT INTO sign_in_links (hash, purpose, person, expires_at) VALUES ($1, $2, $3, $4)
