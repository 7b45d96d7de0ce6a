CREATE TABLE installation (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  revision INTEGER NOT NULL CHECK (revision >= 0),
  created_at INTEGER NOT NULL,
  incarnation INTEGER NOT NULL CHECK (incarnation >= 1)
) STRICT;

CREATE TABLE resources (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  id BLOB NOT NULL CHECK (length(id) = 16),
  version INTEGER NOT NULL,
  body TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE credentials (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  external_id TEXT,
  app BLOB NOT NULL CHECK (length(app) = 16),
  app_name TEXT NOT NULL,
  mode TEXT NOT NULL CHECK (mode IN ('test', 'live')),
  hash TEXT NOT NULL,
  hint TEXT NOT NULL,
  permissions TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX credentials_by_app ON credentials (app_name, created_at);

CREATE TABLE events (
  revision INTEGER NOT NULL,
  position INTEGER NOT NULL,
  id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL CHECK (action IN ('created', 'updated', 'deleted')),
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY (revision, position)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER events_keep_rows BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;
CREATE TRIGGER events_keep_columns BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;

CREATE TABLE idempotency_keys (
  scope TEXT NOT NULL,
  key TEXT NOT NULL,
  fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
  begun_at INTEGER NOT NULL,
  status INTEGER,
  body BLOB,
  PRIMARY KEY (scope, key),
  CHECK ((status IS NULL) = (body IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (begun_at);

CREATE TABLE call_index (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  at INTEGER NOT NULL,
  day INTEGER NOT NULL,
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
  record TEXT NOT NULL
) STRICT;
CREATE INDEX call_index_by_day ON call_index (day);
CREATE INDEX call_index_by_time ON call_index (at);
CREATE INDEX call_index_by_mode ON call_index (mode, id);
CREATE INDEX call_index_by_api ON call_index (api, id);
CREATE INDEX call_index_by_app ON call_index (app, id);
CREATE INDEX call_index_by_developer ON call_index (developer, id);
CREATE INDEX call_index_by_account ON call_index (account, id);
CREATE INDEX call_index_by_outcome ON call_index (outcome, id);

CREATE TABLE counters (
  limit_key INTEGER NOT NULL,
  mode TEXT NOT NULL CHECK (mode IN ('test', 'live')),
  subject BLOB NOT NULL CHECK (length(subject) = 16),
  fact BLOB NOT NULL CHECK (length(fact) = 16),
  begins_at INTEGER NOT NULL,
  ends_at INTEGER NOT NULL,
  used INTEGER NOT NULL CHECK (used >= 0),
  PRIMARY KEY (limit_key, mode, subject, fact, begins_at, ends_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX counters_by_end ON counters (ends_at);

CREATE TABLE fold_cursors (
  gateway TEXT NOT NULL PRIMARY KEY,
  cursor TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE secrets (
  name TEXT NOT NULL PRIMARY KEY,
  sealed BLOB NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sign_in_links (
  hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
  operator BLOB NOT NULL CHECK (length(operator) = 16),
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sign_ins (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
  operator BLOB NOT NULL CHECK (length(operator) = 16),
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
