SELECT gateway, app, mode, body FROM habits WHERE gateway = $1
