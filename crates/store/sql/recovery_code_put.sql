INSERT INTO recovery_codes (person, hash) VALUES ($1, $2)
