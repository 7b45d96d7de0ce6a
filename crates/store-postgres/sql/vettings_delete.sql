DELETE FROM vettings WHERE account = ANY($1::text[])
