DELETE FROM confidential WHERE account IN (SELECT value FROM json_each($1))
