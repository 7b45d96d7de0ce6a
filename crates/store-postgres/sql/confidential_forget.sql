DELETE FROM confidential WHERE account = ANY($1::text[])
