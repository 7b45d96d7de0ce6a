-- People who sign in, and what bounds guessing.
CREATE TABLE persons (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  -- In its one spelling, so that nobody is there twice.
  email TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  -- What they may do, as JSON.
  body TEXT NOT NULL,
  -- Argon2id, under a key of the installation.
  password TEXT,
  -- Sealed.
  code_seed BLOB,
  -- The newest time step whose one-time code was used.
  code_step INTEGER NOT NULL DEFAULT 0,
  -- Sign-ins that began before do not count.
  sign_ins_from INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sign_in_tries (
  -- A fingerprint of whom is tried, known here or not.
  principal BLOB NOT NULL PRIMARY KEY CHECK (length(principal) = 32),
  spent_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_in_tries_by_time ON sign_in_tries (spent_until);

-- What there is belongs to the operator's token, works for hours at most, and is made again.
DROP TABLE sign_in_links;
CREATE TABLE sign_in_links (
  hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
  purpose TEXT NOT NULL,
  -- None: whoever has the operator token.
  person BLOB CHECK (length(person) = 16),
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

DROP TABLE sign_ins;
CREATE TABLE sign_ins (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
  kind TEXT NOT NULL,
  -- None: whoever has the operator token.
  person BLOB CHECK (length(person) = 16),
  label TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_ins_by_person ON sign_ins (person, created_at);
