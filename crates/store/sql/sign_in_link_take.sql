DELETE FROM sign_in_links WHERE hash = $1 AND expires_at > $2
RETURNING hash, operator, expires_at
