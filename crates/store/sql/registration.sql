SELECT hash, sealed, expires_at FROM registrations WHERE hash = $1 AND expires_at > $2
