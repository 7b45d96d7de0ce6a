-- People who sign in, and what bounds guessing.
CREATE TABLE persons (
  id BYTEA NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  -- In its one spelling, so that nobody is there twice.
  email TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  -- What they may do, as JSON.
  body TEXT NOT NULL,
  -- Argon2id, under a key of the installation.
  password TEXT,
  -- Sealed.
  code_seed BYTEA,
  -- The newest time step whose one-time code was used.
  code_step BIGINT NOT NULL DEFAULT 0,
  -- Sign-ins that began before do not count.
  sign_ins_from BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  version BIGINT NOT NULL
);

CREATE TABLE sign_in_tries (
  -- A fingerprint of whom is tried, known here or not.
  principal BYTEA NOT NULL PRIMARY KEY CHECK (length(principal) = 32),
  spent_until BIGINT NOT NULL
);
CREATE INDEX sign_in_tries_by_time ON sign_in_tries (spent_until);

-- What there is belongs to the operator's token, works for hours at most, and is made again.
DROP TABLE sign_in_links;
CREATE TABLE sign_in_links (
  hash BYTEA NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
  purpose TEXT NOT NULL,
  -- None: whoever has the operator token.
  person BYTEA CHECK (length(person) = 16),
  expires_at BIGINT NOT NULL
);

DROP TABLE sign_ins;
CREATE TABLE sign_ins (
  id BYTEA NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  hash BYTEA NOT NULL UNIQUE CHECK (length(hash) = 32),
  kind TEXT NOT NULL,
  -- None: whoever has the operator token.
  person BYTEA CHECK (length(person) = 16),
  label TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX sign_ins_by_person ON sign_ins (person, created_at);
