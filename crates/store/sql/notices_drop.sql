DELETE FROM notices WHERE at < $1
