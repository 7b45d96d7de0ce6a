-- Where developers stand in vetting. The state is JSON, as its machine has it; its word stands
-- beside it for lists and counts.
CREATE TABLE vettings (
  account TEXT NOT NULL,
  ladder TEXT NOT NULL,
  state TEXT NOT NULL,
  body TEXT NOT NULL,
  since INTEGER NOT NULL,
  due_at INTEGER,
  version INTEGER NOT NULL,
  PRIMARY KEY (account, ladder)
) STRICT, WITHOUT ROWID;
CREATE INDEX vettings_by_state ON vettings (state, since, account, ladder);
CREATE INDEX vettings_by_since ON vettings (since, account, ladder);
-- Most vettings wait for nothing: only those that do are looked for by time.
CREATE INDEX vettings_by_due ON vettings (due_at, account, ladder) WHERE due_at IS NOT NULL;
