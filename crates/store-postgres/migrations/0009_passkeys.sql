-- Passkeys of persons. Nothing of them is secret: a public key, and what it was made with.
CREATE TABLE passkeys (
  id BYTEA NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  person BYTEA NOT NULL CHECK (length(person) = 16),
  -- SHA-256 of the credential's id, so that no credential is there twice, whoever has it.
  hash BYTEA NOT NULL UNIQUE CHECK (length(hash) = 32),
  credential BYTEA NOT NULL CHECK (length(credential) BETWEEN 1 AND 1023),
  name TEXT NOT NULL,
  -- The public key and what it was made with, as JSON.
  body TEXT NOT NULL,
  -- What it has counted to, 0 when it does not count.
  counter BIGINT NOT NULL CHECK (counter BETWEEN 0 AND 4294967295),
  backed_up BIGINT NOT NULL CHECK (backed_up IN (0, 1)),
  created_at BIGINT NOT NULL,
  used_at BIGINT
);
CREATE INDEX passkeys_by_person ON passkeys (person, id);

-- Recovery codes that have not been used, as hashes under a key of the installation.
CREATE TABLE recovery_codes (
  person BYTEA NOT NULL CHECK (length(person) = 16),
  hash BYTEA NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (person, hash)
);
