-- Other ways for an app to show who it is than a key, and finding a key by what was leaked.
ALTER TABLE credentials ADD COLUMN kind TEXT NOT NULL DEFAULT 'key'
  CHECK (kind IN ('key', 'three_token', 'certificate'));
-- Hash of the third token, with its scheme.
ALTER TABLE credentials ADD COLUMN signature TEXT;
-- SHA-256 of the certificate it is bound to.
ALTER TABLE credentials ADD COLUMN certificate BYTEA CHECK (octet_length(certificate) = 32);
CREATE INDEX credentials_by_hash ON credentials (hash);
CREATE INDEX credentials_by_signature ON credentials (signature);
