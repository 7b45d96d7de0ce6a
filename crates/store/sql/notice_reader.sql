SELECT person, read_to, no_mail FROM notice_readers WHERE person = $1
