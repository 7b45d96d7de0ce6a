DELETE FROM sign_in_links WHERE person = $1
