UPDATE mails SET tries = tries + 1, next_at = $2
WHERE id = (
  SELECT id FROM mails WHERE next_at <= $1 AND expires_at > $1
  ORDER BY next_at, id LIMIT 1
)
RETURNING id, sealed, created_at, next_at, expires_at, tries, problem
