DELETE FROM counters WHERE ends_at < $1
