SELECT account, source, kind, fact, count, sum, least, most, last_at, version
FROM profile_lines WHERE account = $1 ORDER BY source, kind, fact
