-- ARGV: job, digest, sealed. What a deploy is made from, until the deploy has ended. Returns 1.
local key = VERSION .. ARGV[1]
redis.call('HSET', key, 'digest', ARGV[2], 'sealed', ARGV[3])
if redis.call('HEXISTS', key, 'json') == 0 then redis.call('EXPIRE', key, BUNDLE_SECONDS) end
return 1
