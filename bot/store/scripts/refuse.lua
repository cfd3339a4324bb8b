-- ARGV: id. From now on nothing queues this pending command; it stays until it is discarded.
redis.call('SET', SEEN .. 'gone:' .. ARGV[1], 1, 'EX', SEEN_SECONDS)
return 1
