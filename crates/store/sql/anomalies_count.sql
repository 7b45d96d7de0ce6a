SELECT COUNT(*) AS "counted!"
FROM (SELECT 1 FROM anomalies WHERE state = $1 LIMIT $2) AS found
