DELETE FROM mails WHERE expires_at < $1
