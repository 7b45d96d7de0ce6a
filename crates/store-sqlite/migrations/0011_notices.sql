-- What developers are told. `account` is all zeros for what is for all who use one of `apis`.
CREATE TABLE notices (
  account BLOB NOT NULL CHECK (length(account) = 16),
  -- The event it is about: its revision and, within it, its position.
  place INTEGER NOT NULL,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  -- Name of the app; empty when it is about no single one.
  app TEXT NOT NULL,
  -- Names of APIs, separated and surrounded by spaces.
  apis TEXT NOT NULL,
  says TEXT NOT NULL,
  PRIMARY KEY (account, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX notices_by_time ON notices (at);

-- How far events have become notices. One row at most.
CREATE TABLE notice_cursor (
  one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
  revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What a person has read, and which kinds of notices they want no mail of, separated by spaces.
CREATE TABLE notice_readers (
  person BLOB NOT NULL PRIMARY KEY CHECK (length(person) = 16),
  read_to INTEGER NOT NULL,
  no_mail TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Whoever belongs to a developer account.
CREATE INDEX persons_by_developer ON persons (json_extract(body, '$.developer'));
