INSERT INTO events (revision, position, id, at, actor, action, kind, name, detail, link)
SELECT * FROM unnest(
  $1::bigint[], $2::bigint[], $3::bytea[], $4::bigint[], $5::text[], $6::text[], $7::text[],
  $8::text[], $9::text[], $10::bytea[]
)
