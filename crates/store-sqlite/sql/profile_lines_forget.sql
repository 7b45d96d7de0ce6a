DELETE FROM profile_lines WHERE account IN (SELECT value FROM json_each($1))
