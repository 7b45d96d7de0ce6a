SELECT id, hash, kind, person, label, created_at, expires_at FROM sign_ins
WHERE person = $1 AND expires_at > $2
ORDER BY created_at DESC, id DESC
