INSERT INTO habits (gateway, app, mode, body)
SELECT * FROM unnest($1::text[], $2::bytea[], $3::text[], $4::text[])
ON CONFLICT (gateway, app, mode) DO UPDATE SET body = excluded.body
