INSERT INTO call_index (
  id, at, day, mode, api, operation, app, developer, account, capabilities, outcome, status,
  code, record
)
SELECT * FROM unnest(
  $1::bytea[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::bytea[],
  $8::bytea[], $9::bytea[], $10::text[], $11::text[], $12::bigint[], $13::text[], $14::text[]
)
ON CONFLICT (id) DO NOTHING
