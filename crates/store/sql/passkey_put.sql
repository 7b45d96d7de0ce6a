INSERT INTO passkeys
  (id, person, hash, credential, name, body, counter, backed_up, created_at, used_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
