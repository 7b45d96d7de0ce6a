DELETE FROM call_index WHERE day < $1
