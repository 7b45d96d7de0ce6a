-- A record is kept in the bytes that the journal has it in. Earlier ones stay the JSON they are,
-- which begins like no such bytes. A day is known by its times.
CREATE TABLE calls_kept (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  at INTEGER NOT NULL,
  mode TEXT CHECK (mode IN ('test', 'live')),
  api TEXT NOT NULL,
  operation TEXT NOT NULL,
  app BLOB CHECK (length(app) = 16),
  developer BLOB CHECK (length(developer) = 16),
  account BLOB CHECK (length(account) = 16),
  capabilities TEXT NOT NULL,
  outcome TEXT NOT NULL,
  status INTEGER NOT NULL,
  code TEXT NOT NULL,
  record BLOB NOT NULL
) STRICT;
INSERT INTO calls_kept
SELECT id, at, mode, api, operation, app, developer, account, capabilities, outcome, status, code,
  CAST(record AS BLOB)
FROM call_index;
DROP TABLE call_index;
ALTER TABLE calls_kept RENAME TO call_index;
CREATE INDEX call_index_by_time ON call_index (at);
CREATE INDEX call_index_by_mode ON call_index (mode, id);
CREATE INDEX call_index_by_api ON call_index (api, id);
CREATE INDEX call_index_by_app ON call_index (app, id);
CREATE INDEX call_index_by_developer ON call_index (developer, id);
CREATE INDEX call_index_by_account ON call_index (account, id);
-- Most calls are served: who looks for those finds them at once, without an index.
CREATE INDEX call_index_by_outcome ON call_index (outcome, id) WHERE outcome <> 'served';
