-- ARGV: job, digest, sealed, owner and attempt of the job's lease ('' without one). What a deploy is
-- made from, until the deploy has ended. Returns 1, nothing when the lease is lost.
if ARGV[4] ~= '' and not holds(ARGV[1], ARGV[4], ARGV[5]) then return false end
local key = VERSION .. ARGV[1]
redis.call('HSET', key, 'digest', ARGV[2], 'sealed', ARGV[3])
if redis.call('HEXISTS', key, 'json') == 0 then redis.call('EXPIRE', key, BUNDLE_SECONDS) end
return 1
