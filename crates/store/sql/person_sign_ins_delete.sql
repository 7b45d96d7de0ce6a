DELETE FROM sign_ins WHERE person = $1
