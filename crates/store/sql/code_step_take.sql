UPDATE persons SET code_step = $2 WHERE id = $1 AND code_step < $2
