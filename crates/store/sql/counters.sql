SELECT limit_key, mode, subject, fact, begins_at, ends_at, used FROM counters
ORDER BY limit_key, mode, subject, fact, begins_at, ends_at
