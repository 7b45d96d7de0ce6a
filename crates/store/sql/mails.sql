SELECT id, sealed, created_at, next_at, expires_at, tries, problem FROM mails
WHERE id < $1 AND expires_at > $2 ORDER BY id DESC LIMIT $3
