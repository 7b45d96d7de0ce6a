SELECT link FROM events ORDER BY revision DESC, position DESC LIMIT 1
