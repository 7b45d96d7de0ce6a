DELETE FROM resources WHERE (kind, name) IN (SELECT * FROM unnest($1::text[], $2::text[]))
