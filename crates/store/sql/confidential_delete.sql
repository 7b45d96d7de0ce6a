DELETE FROM confidential WHERE account = $1 AND name = $2
