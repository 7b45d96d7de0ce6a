DELETE FROM developer_records WHERE account IN (SELECT value FROM json_each($1))
