INSERT INTO call_index (
  id, at, mode, api, operation, app, developer, account, capabilities, outcome, status, code,
  record
)
SELECT * FROM unnest(
  $1::bytea[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::bytea[],
  $8::bytea[], $9::text[], $10::text[], $11::bigint[], $12::text[], $13::bytea[]
)
ON CONFLICT (id) DO NOTHING
