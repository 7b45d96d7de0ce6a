INSERT INTO persons
  (id, email, name, body, password, code_seed, sign_ins_from, created_at, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (id) DO UPDATE SET
  email = excluded.email, name = excluded.name, body = excluded.body, password = excluded.password,
  code_seed = excluded.code_seed, sign_ins_from = excluded.sign_ins_from, version = excluded.version
