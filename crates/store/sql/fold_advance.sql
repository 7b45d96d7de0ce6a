UPDATE fold_cursors SET cursor = $2 WHERE gateway = $1 AND cursor = $3
