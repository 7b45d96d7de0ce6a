DELETE FROM registrations WHERE expires_at < $1
