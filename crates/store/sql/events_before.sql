SELECT revision, position, id, at, actor, action, kind, name, detail, link
FROM events
WHERE (revision, position) < ($1, $2)
ORDER BY revision DESC, position DESC
LIMIT $3
