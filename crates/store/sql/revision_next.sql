UPDATE installation SET revision = revision + 1 RETURNING revision
