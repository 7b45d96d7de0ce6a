UPDATE passkeys SET counter = $2, backed_up = $3, used_at = $4
WHERE id = $1 AND (counter < $2 OR (counter = 0 AND $2 = 0))
