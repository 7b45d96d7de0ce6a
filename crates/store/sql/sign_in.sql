SELECT id, hash, kind, person, label, created_at, expires_at FROM sign_ins
WHERE hash = $1 AND expires_at > $2
