UPDATE notice_cursor SET revision = $2 WHERE one = 1 AND revision = $1
