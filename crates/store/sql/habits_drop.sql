DELETE FROM habits
WHERE NOT EXISTS (SELECT 1 FROM resources WHERE kind = 'app' AND resources.id = habits.app)
