SELECT id FROM developer_records WHERE account = $1 AND source = $2 AND reference = $3
