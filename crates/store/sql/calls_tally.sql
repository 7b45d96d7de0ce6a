SELECT outcome, code, COUNT(*) AS calls, MAX(at) AS newest
FROM (SELECT outcome, code, at FROM call_index WHERE at >= $1 ORDER BY at DESC LIMIT $2) AS newest_calls
GROUP BY outcome, code
ORDER BY calls DESC, outcome, code
