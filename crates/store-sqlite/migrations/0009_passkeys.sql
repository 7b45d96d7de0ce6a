-- Passkeys of persons. Nothing of them is secret: a public key, and what it was made with.
CREATE TABLE passkeys (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  person BLOB NOT NULL CHECK (length(person) = 16),
  -- SHA-256 of the credential's id, so that no credential is there twice, whoever has it.
  hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
  credential BLOB NOT NULL CHECK (length(credential) BETWEEN 1 AND 1023),
  name TEXT NOT NULL,
  -- The public key and what it was made with, as JSON.
  body TEXT NOT NULL,
  -- What it has counted to, 0 when it does not count.
  counter INTEGER NOT NULL CHECK (counter BETWEEN 0 AND 4294967295),
  backed_up INTEGER NOT NULL CHECK (backed_up IN (0, 1)),
  created_at INTEGER NOT NULL,
  used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX passkeys_by_person ON passkeys (person, id);

-- Recovery codes that have not been used, as hashes under a key of the installation.
CREATE TABLE recovery_codes (
  person BLOB NOT NULL CHECK (length(person) = 16),
  hash BLOB NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (person, hash)
) STRICT, WITHOUT ROWID;
