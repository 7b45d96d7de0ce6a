SELECT name, sealed, updated_at FROM secrets ORDER BY name
