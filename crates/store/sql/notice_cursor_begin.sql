INSERT INTO notice_cursor (one, revision) VALUES (1, $1)
ON CONFLICT (one) DO NOTHING
