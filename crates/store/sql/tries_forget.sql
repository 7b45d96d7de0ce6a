DELETE FROM sign_in_tries WHERE principal = $1
