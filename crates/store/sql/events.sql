SELECT revision, position, id, at, actor, action, kind, name, detail, link
FROM events
WHERE revision > $1 AND revision <= (
  SELECT max(revision) FROM (
    SELECT revision FROM events WHERE revision > $1 ORDER BY revision, position LIMIT $2
  ) AS page
)
ORDER BY revision, position
