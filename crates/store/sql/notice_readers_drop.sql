DELETE FROM notice_readers WHERE person NOT IN (SELECT id FROM persons)
