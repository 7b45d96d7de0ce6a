UPDATE anomalies
SET state = $2, marked_by = $3, note = $4, marked_at = $5, lower_until = NULL
WHERE id = $1
