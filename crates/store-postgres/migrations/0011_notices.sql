-- What developers are told. `account` is all zeros for what is for all who use one of `apis`.
CREATE TABLE notices (
  account BYTEA NOT NULL CHECK (length(account) = 16),
  -- The event it is about: its revision and, within it, its position.
  place BIGINT NOT NULL,
  at BIGINT NOT NULL,
  kind TEXT NOT NULL,
  -- Name of the app; empty when it is about no single one.
  app TEXT NOT NULL,
  -- Names of APIs, separated and surrounded by spaces.
  apis TEXT NOT NULL,
  says TEXT NOT NULL,
  PRIMARY KEY (account, place)
);
CREATE INDEX notices_by_time ON notices (at);

-- How far events have become notices. One row at most.
CREATE TABLE notice_cursor (
  one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
  revision BIGINT NOT NULL
);

-- What a person has read, and which kinds of notices they want no mail of, separated by spaces.
CREATE TABLE notice_readers (
  person BYTEA NOT NULL PRIMARY KEY CHECK (length(person) = 16),
  read_to BIGINT NOT NULL,
  no_mail TEXT NOT NULL
);

-- Whoever belongs to a developer account.
CREATE INDEX persons_by_developer ON persons (((body::json) ->> 'developer'));
