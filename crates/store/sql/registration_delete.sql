DELETE FROM registrations WHERE hash = $1
