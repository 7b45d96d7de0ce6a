INSERT INTO vettings (account, ladder, state, body, since, due_at, version)
SELECT * FROM unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[]
)
ON CONFLICT (account, ladder) DO UPDATE SET
  state = excluded.state,
  body = excluded.body,
  since = excluded.since,
  due_at = excluded.due_at,
  version = excluded.version
