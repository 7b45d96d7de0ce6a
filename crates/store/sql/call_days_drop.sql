DELETE FROM call_index WHERE at < $1
