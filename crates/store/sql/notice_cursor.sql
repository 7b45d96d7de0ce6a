SELECT revision FROM notice_cursor
