-- Each event is linked to the one before, so that a change of the log shows. Events from before
-- have no link.
ALTER TABLE events ADD COLUMN link BLOB CHECK (link IS NULL OR length(link) = 32);
