DELETE FROM anomalies
WHERE NOT EXISTS (SELECT 1 FROM resources WHERE kind = 'app' AND resources.id = anomalies.app)
