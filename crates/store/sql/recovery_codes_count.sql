SELECT COUNT(*) AS "counted!" FROM recovery_codes WHERE person = $1
