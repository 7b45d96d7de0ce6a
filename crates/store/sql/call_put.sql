INSERT INTO call_index (
  id, at, day, mode, api, operation, app, developer, account, capabilities, outcome, status,
  code, record
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT (id) DO NOTHING
