DELETE FROM developer_records WHERE account = ANY($1::text[])
