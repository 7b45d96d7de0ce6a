SELECT account, place, at, kind, app, apis, says FROM notices
WHERE account IN ($1, $2) AND place > $3 AND place < $4
  AND ($5 = '' OR kind = $5) AND ($6 = '' OR app = $6 OR account = $2)
ORDER BY place DESC
LIMIT $7
