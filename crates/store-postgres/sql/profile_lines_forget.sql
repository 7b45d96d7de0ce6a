DELETE FROM profile_lines WHERE account = ANY($1::text[])
