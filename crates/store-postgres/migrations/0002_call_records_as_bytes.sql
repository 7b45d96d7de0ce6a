-- A record is kept in the bytes that the journal has it in. Earlier ones stay the JSON they are,
-- which begins like no such bytes. A day is known by its times.
ALTER TABLE call_index
  ALTER COLUMN record TYPE BYTEA USING convert_to(record, 'UTF8'),
  DROP COLUMN day;
-- Most calls are served: who looks for those finds them at once, without an index.
DROP INDEX call_index_by_outcome;
CREATE INDEX call_index_by_outcome ON call_index (outcome, id) WHERE outcome <> 'served';
