INSERT INTO events (revision, position, id, at, actor, action, kind, name, detail, link)
SELECT
  $1, value ->> 0, unhex(value ->> 1), $2, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
  value ->> 6, unhex(value ->> 7)
FROM json_each($3)
