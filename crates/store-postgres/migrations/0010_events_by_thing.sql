-- What was done to a thing is found without reading the whole log.
CREATE INDEX events_by_thing ON events (kind, name);
