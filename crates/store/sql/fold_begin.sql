INSERT INTO fold_cursors (gateway, cursor) VALUES ($1, $2) ON CONFLICT (gateway) DO NOTHING
