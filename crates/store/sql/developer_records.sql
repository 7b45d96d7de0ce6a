SELECT id, account, source, kind, reference, at, received_at, facts
FROM developer_records WHERE account = $1 AND id < $2 ORDER BY id DESC LIMIT $3
