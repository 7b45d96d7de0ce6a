DELETE FROM passkeys WHERE person = $1
