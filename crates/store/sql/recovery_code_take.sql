DELETE FROM recovery_codes WHERE person = $1 AND hash = $2
