SELECT revision AS "revision!", position AS "position!", id AS "id!", at AS "at!", actor AS "actor!",
  action AS "action!", kind AS "kind!", name AS "name!", detail AS "detail!", link
FROM events
WHERE (kind, name) IN (SELECT value ->> 0, value ->> 1 FROM json_each($1))
ORDER BY revision DESC, position DESC
LIMIT $2
