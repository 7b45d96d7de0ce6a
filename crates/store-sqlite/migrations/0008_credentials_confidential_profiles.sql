-- Other ways for an app to show who it is than a key, and finding a key by what was leaked.
ALTER TABLE credentials ADD COLUMN kind TEXT NOT NULL DEFAULT 'key'
  CHECK (kind IN ('key', 'three_token', 'certificate'));
-- Hash of the third token, with its scheme.
ALTER TABLE credentials ADD COLUMN signature TEXT;
-- SHA-256 of the certificate it is bound to.
ALTER TABLE credentials ADD COLUMN certificate BLOB CHECK (length(certificate) = 32);
CREATE INDEX credentials_by_hash ON credentials (hash);
CREATE INDEX credentials_by_signature ON credentials (signature);

-- What accounts entrust: numbers, passwords, bank and card data. Sealed.
CREATE TABLE confidential (
  account TEXT NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  -- What may be shown of it.
  mask TEXT NOT NULL,
  sealed BLOB NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;

-- What is sent about developers: of their transactions, by partners.
CREATE TABLE developer_records (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  account TEXT NOT NULL,
  source TEXT NOT NULL,
  kind TEXT NOT NULL,
  -- The sender's own id of it: sent again, it is the same record.
  reference TEXT NOT NULL,
  at INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  -- JSON: integers, booleans and texts by name.
  facts TEXT NOT NULL,
  UNIQUE (account, source, reference)
) STRICT, WITHOUT ROWID;
CREATE INDEX developer_records_by_account ON developer_records (account, id);

-- What those records come to, for each fact.
CREATE TABLE profile_lines (
  account TEXT NOT NULL,
  source TEXT NOT NULL,
  kind TEXT NOT NULL,
  -- Empty: the records themselves.
  fact TEXT NOT NULL,
  count INTEGER NOT NULL,
  sum INTEGER NOT NULL,
  least INTEGER NOT NULL,
  most INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (account, source, kind, fact)
) STRICT, WITHOUT ROWID;
CREATE INDEX profile_lines_by_version ON profile_lines (version, account);
