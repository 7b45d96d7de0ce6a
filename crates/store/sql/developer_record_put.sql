INSERT INTO developer_records (id, account, source, kind, reference, at, received_at, facts)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
