-- Other ways for an app to show who it is than a key, and finding a key by what was leaked.
ALTER TABLE credentials ADD COLUMN kind TEXT NOT NULL DEFAULT 'key'
  CHECK (kind IN ('key', 'three_token', 'certificate'));
-- Hash of the third token, with its scheme.
ALTER TABLE credentials ADD COLUMN signature TEXT;
-- SHA-256 of the certificate it is bound to.
ALTER TABLE credentials ADD COLUMN certificate BYTEA CHECK (length(certificate) = 32);
CREATE INDEX credentials_by_hash ON credentials (hash);
CREATE INDEX credentials_by_signature ON credentials (signature);

-- What accounts entrust: numbers, passwords, bank and card data. Sealed.
CREATE TABLE confidential (
  account TEXT NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  -- What may be shown of it.
  mask TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (account, name)
);

-- What is sent about developers: of their transactions, by partners.
CREATE TABLE developer_records (
  id BYTEA NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  account TEXT NOT NULL,
  source TEXT NOT NULL,
  kind TEXT NOT NULL,
  -- The sender's own id of it: sent again, it is the same record.
  reference TEXT NOT NULL,
  at BIGINT NOT NULL,
  received_at BIGINT NOT NULL,
  -- JSON: integers, booleans and texts by name.
  facts TEXT NOT NULL,
  UNIQUE (account, source, reference)
);
CREATE INDEX developer_records_by_account ON developer_records (account, id);

-- What those records come to, for each fact.
CREATE TABLE profile_lines (
  account TEXT NOT NULL,
  source TEXT NOT NULL,
  kind TEXT NOT NULL,
  -- Empty: the records themselves.
  fact TEXT NOT NULL,
  count BIGINT NOT NULL,
  sum BIGINT NOT NULL,
  least BIGINT NOT NULL,
  most BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (account, source, kind, fact)
);
CREATE INDEX profile_lines_by_version ON profile_lines (version, account);
