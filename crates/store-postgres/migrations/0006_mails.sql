-- Mails that are to be sent: written with the change that causes them, deleted once they are out.
CREATE TABLE mails (
  id BYTEA NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  -- Address, subject and text: sealed, because a text may hold a one-time link.
  sealed BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  -- When it is tried next.
  next_at BIGINT NOT NULL,
  -- When it is of no use any more.
  expires_at BIGINT NOT NULL,
  tries BIGINT NOT NULL,
  -- What the last try came to; never with an address.
  problem TEXT NOT NULL
);
CREATE INDEX mails_by_time ON mails (next_at);

-- Developers who registered and have not yet followed the link that was mailed to them.
CREATE TABLE registrations (
  -- Of the link's secret.
  hash BYTEA NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
  -- Address, name, password hash and what was agreed to.
  sealed BYTEA NOT NULL,
  expires_at BIGINT NOT NULL
);
