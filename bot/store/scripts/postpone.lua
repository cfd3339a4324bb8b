-- ARGV: id, ms from now.
redis.call('ZADD', DELIVERIES, 'XX', now() + tonumber(ARGV[2]), ARGV[1])
wake()
return 1
