-- Calls are listed by time. Who was asked for is found in the index alone, and so is what a chart counts.
DROP INDEX call_index_by_time;
DROP INDEX call_index_by_mode;
DROP INDEX call_index_by_api;
DROP INDEX call_index_by_app;
DROP INDEX call_index_by_developer;
DROP INDEX call_index_by_account;
DROP INDEX call_index_by_outcome;
CREATE INDEX call_index_by_time ON call_index (at, id, outcome, code);
CREATE INDEX call_index_by_mode ON call_index (mode, at, id);
CREATE INDEX call_index_by_api ON call_index (api, at, id);
CREATE INDEX call_index_by_app ON call_index (app, at, id, outcome, code);
CREATE INDEX call_index_by_developer ON call_index (developer, at, id);
CREATE INDEX call_index_by_account ON call_index (account, at, id);
-- Most calls are served: who looks for those finds them at once, without an index.
CREATE INDEX call_index_by_outcome ON call_index (outcome, at, id, code) WHERE outcome <> 'served';
