-- Where developers stand in vetting. The state is JSON, as its machine has it; its word stands
-- beside it for lists and counts.
CREATE TABLE vettings (
  account TEXT COLLATE "C" NOT NULL,
  ladder TEXT COLLATE "C" NOT NULL,
  state TEXT COLLATE "C" NOT NULL,
  body TEXT COLLATE "C" NOT NULL,
  since BIGINT NOT NULL,
  due_at BIGINT,
  version BIGINT NOT NULL,
  PRIMARY KEY (account, ladder)
);
CREATE INDEX vettings_by_state ON vettings (state, since, account, ladder);
CREATE INDEX vettings_by_since ON vettings (since, account, ladder);
-- Most vettings wait for nothing: only those that do are looked for by time.
CREATE INDEX vettings_by_due ON vettings (due_at, account, ladder) WHERE due_at IS NOT NULL;
