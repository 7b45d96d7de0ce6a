SELECT at / $3 AS slot, outcome, code, COUNT(*) AS calls
FROM (SELECT outcome, code, at FROM call_index WHERE app = $4 AND at >= $1 ORDER BY at DESC LIMIT $2) AS newest_calls
GROUP BY slot, outcome, code
ORDER BY slot, outcome, code
