DELETE FROM sign_in_links WHERE hash = $1 AND purpose = $2 AND expires_at > $3
RETURNING hash, purpose, person, expires_at
