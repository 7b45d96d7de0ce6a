INSERT INTO profile_lines (
  account, source, kind, fact, count, sum, least, most, last_at, version
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (account, source, kind, fact) DO UPDATE SET
  count = excluded.count,
  sum = excluded.sum,
  least = excluded.least,
  most = excluded.most,
  last_at = excluded.last_at,
  version = excluded.version
