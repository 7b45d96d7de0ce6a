SELECT revision, position, id, at, actor, action, kind, name, detail, link
FROM events
WHERE (kind, name) IN (SELECT * FROM unnest($1::text[], $2::text[]))
ORDER BY revision DESC, position DESC
LIMIT $3
