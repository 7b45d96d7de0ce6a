INSERT INTO sign_in_tries AS tried (principal, spent_until) VALUES ($1, $2)
ON CONFLICT (principal) DO UPDATE SET
  spent_until = CASE WHEN tried.spent_until > $3 THEN tried.spent_until + $4 ELSE $2 END
WHERE tried.spent_until <= $5
