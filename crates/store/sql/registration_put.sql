INSERT INTO registrations (hash, sealed, expires_at) VALUES ($1, $2, $3)
