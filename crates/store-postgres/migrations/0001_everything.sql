CREATE TABLE installation (
  id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
  revision BIGINT NOT NULL CHECK (revision >= 0),
  created_at BIGINT NOT NULL,
  incarnation BIGINT NOT NULL CHECK (incarnation >= 1)
);

CREATE TABLE resources (
  kind TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  id BYTEA NOT NULL CHECK (length(id) = 16),
  version BIGINT NOT NULL,
  body TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (kind, name)
);

CREATE TABLE credentials (
  id BYTEA NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  external_id TEXT COLLATE "C",
  app BYTEA NOT NULL CHECK (length(app) = 16),
  app_name TEXT COLLATE "C" NOT NULL,
  mode TEXT COLLATE "C" NOT NULL CHECK (mode IN ('test', 'live')),
  hash TEXT COLLATE "C" NOT NULL,
  hint TEXT COLLATE "C" NOT NULL,
  permissions TEXT COLLATE "C",
  created_at BIGINT NOT NULL,
  expires_at BIGINT,
  revoked_at BIGINT
);
CREATE INDEX credentials_by_app ON credentials (app_name, created_at);

CREATE TABLE events (
  revision BIGINT NOT NULL,
  position BIGINT NOT NULL,
  id BYTEA NOT NULL UNIQUE CHECK (length(id) = 16),
  at BIGINT NOT NULL,
  actor TEXT COLLATE "C" NOT NULL,
  action TEXT COLLATE "C" NOT NULL CHECK (action IN ('created', 'updated', 'deleted')),
  kind TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  detail TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (revision, position)
);
CREATE FUNCTION events_are_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the event log is append-only';
END;
$$;
CREATE TRIGGER events_keep_rows BEFORE DELETE OR UPDATE ON events
FOR EACH ROW EXECUTE FUNCTION events_are_kept();
CREATE TRIGGER events_keep_table BEFORE TRUNCATE ON events
FOR EACH STATEMENT EXECUTE FUNCTION events_are_kept();

CREATE TABLE idempotency_keys (
  scope TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  fingerprint BYTEA NOT NULL CHECK (length(fingerprint) = 32),
  begun_at BIGINT NOT NULL,
  status BIGINT,
  body BYTEA,
  PRIMARY KEY (scope, key),
  CHECK ((status IS NULL) = (body IS NULL))
);
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (begun_at);

CREATE TABLE call_index (
  id BYTEA NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  at BIGINT NOT NULL,
  day BIGINT NOT NULL,
  mode TEXT COLLATE "C" CHECK (mode IN ('test', 'live')),
  api TEXT COLLATE "C" NOT NULL,
  operation TEXT COLLATE "C" NOT NULL,
  app BYTEA CHECK (length(app) = 16),
  developer BYTEA CHECK (length(developer) = 16),
  account BYTEA CHECK (length(account) = 16),
  capabilities TEXT COLLATE "C" NOT NULL,
  outcome TEXT COLLATE "C" NOT NULL,
  status BIGINT NOT NULL,
  code TEXT COLLATE "C" NOT NULL,
  record TEXT COLLATE "C" NOT NULL
);
CREATE INDEX call_index_by_day ON call_index (day);
CREATE INDEX call_index_by_time ON call_index (at);
CREATE INDEX call_index_by_mode ON call_index (mode, id);
CREATE INDEX call_index_by_api ON call_index (api, id);
CREATE INDEX call_index_by_app ON call_index (app, id);
CREATE INDEX call_index_by_developer ON call_index (developer, id);
CREATE INDEX call_index_by_account ON call_index (account, id);
CREATE INDEX call_index_by_outcome ON call_index (outcome, id);

CREATE TABLE counters (
  limit_key BIGINT NOT NULL,
  mode TEXT COLLATE "C" NOT NULL CHECK (mode IN ('test', 'live')),
  subject BYTEA NOT NULL CHECK (length(subject) = 16),
  fact BYTEA NOT NULL CHECK (length(fact) = 16),
  begins_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL,
  used BIGINT NOT NULL CHECK (used >= 0),
  PRIMARY KEY (limit_key, mode, subject, fact, begins_at, ends_at)
);
CREATE INDEX counters_by_end ON counters (ends_at);

CREATE TABLE fold_cursors (
  gateway TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  cursor TEXT COLLATE "C" NOT NULL
);

CREATE TABLE secrets (
  name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  sealed BYTEA NOT NULL,
  updated_at BIGINT NOT NULL
);

CREATE TABLE sign_in_links (
  hash BYTEA NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
  operator BYTEA NOT NULL CHECK (length(operator) = 16),
  expires_at BIGINT NOT NULL
);

CREATE TABLE sign_ins (
  id BYTEA NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  hash BYTEA NOT NULL UNIQUE CHECK (length(hash) = 32),
  operator BYTEA NOT NULL CHECK (length(operator) = 16),
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
