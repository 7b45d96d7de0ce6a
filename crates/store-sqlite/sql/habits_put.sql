INSERT INTO habits (gateway, app, mode, body)
SELECT $1, unhex(value ->> 0), value ->> 1, value ->> 2
FROM json_each($2)
WHERE true
ON CONFLICT (gateway, app, mode) DO UPDATE SET body = excluded.body
