SELECT cursor FROM fold_cursors WHERE gateway = $1
