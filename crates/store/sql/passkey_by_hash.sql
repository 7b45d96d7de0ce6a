SELECT id, person, hash, credential, name, body, counter, backed_up, created_at, used_at FROM passkeys
WHERE hash = $1
