INSERT INTO installation (id, revision, created_at, incarnation) VALUES (1, 0, $1, 1)
ON CONFLICT (id) DO NOTHING
