-- What each app usually does, as JSON, learned by one gateway from its own call records.
CREATE TABLE habits (
  gateway TEXT NOT NULL,
  app BLOB NOT NULL CHECK (length(app) = 16),
  mode TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (gateway, app, mode)
) STRICT, WITHOUT ROWID;

-- What was unusual: one row for an app, a mode, a rule and a value.
CREATE TABLE anomalies (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  app BLOB NOT NULL CHECK (length(app) = 16),
  app_name TEXT NOT NULL,
  mode TEXT NOT NULL,
  rule TEXT NOT NULL,
  signal TEXT NOT NULL,
  value TEXT NOT NULL,
  state TEXT NOT NULL,
  action TEXT NOT NULL,
  levels INTEGER NOT NULL,
  found TEXT NOT NULL,
  wanted TEXT NOT NULL,
  -- The newest call.
  decision BLOB NOT NULL CHECK (length(decision) = 16),
  calls INTEGER NOT NULL,
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  -- Until when the app stands lower for it; none when it does not.
  lower_until INTEGER,
  -- Who marked it, why and when; empty when nobody did.
  marked_by TEXT NOT NULL,
  note TEXT NOT NULL,
  marked_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX anomalies_by_time ON anomalies (first_at, id);
CREATE INDEX anomalies_by_app ON anomalies (app, first_at, id);
CREATE INDEX anomalies_by_state ON anomalies (state, first_at, id);
CREATE INDEX anomalies_by_end ON anomalies (lower_until) WHERE lower_until IS NOT NULL;
