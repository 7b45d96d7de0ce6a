DELETE FROM recovery_codes WHERE person = $1
