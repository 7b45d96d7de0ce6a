DELETE FROM mails WHERE id = $1
