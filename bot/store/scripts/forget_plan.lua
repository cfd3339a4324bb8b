-- ARGV: id. Its decision was carried out.
redis.call('ZREM', PLANS, ARGV[1])
redis.call('HDEL', PLAN_RECORDS, ARGV[1])
redis.call('HDEL', PLAN_DECISIONS, ARGV[1])
return 1
