DELETE FROM sign_ins WHERE id = $1 AND person = $2
