SELECT at / $3 AS slot, outcome, code, COUNT(*) AS calls
FROM (SELECT outcome, code, at FROM call_index WHERE app = $4 ORDER BY id DESC LIMIT $2) AS newest_calls
WHERE at >= $1
GROUP BY slot, outcome, code
ORDER BY slot, outcome, code
