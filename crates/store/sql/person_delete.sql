DELETE FROM persons WHERE id = $1
