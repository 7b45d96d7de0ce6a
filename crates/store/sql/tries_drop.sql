DELETE FROM sign_in_tries WHERE spent_until < $1
