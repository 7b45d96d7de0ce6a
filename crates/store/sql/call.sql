SELECT id, at, mode, api, operation, app, developer, account, capabilities, outcome, status,
  code, record
FROM call_index WHERE id = $1
