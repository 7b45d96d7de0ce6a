SELECT id, email, name, body, password, code_seed, sign_ins_from, created_at, version FROM persons
WHERE json_extract(body, '$.developer') = $1
ORDER BY email
