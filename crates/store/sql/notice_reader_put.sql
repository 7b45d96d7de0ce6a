INSERT INTO notice_readers (person, read_to, no_mail) VALUES ($1, $2, $3)
ON CONFLICT (person) DO UPDATE SET read_to = excluded.read_to, no_mail = excluded.no_mail
