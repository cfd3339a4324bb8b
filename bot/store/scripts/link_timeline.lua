-- ARGV: id of a finished job, link to its timeline. 1 when its message is due again for that.
local id, revision = ARGV[1], redis.call('HGET', JOB .. ARGV[1], 'revision')
if not revision then return 0 end
redis.call('HSET', JOB .. id, 'timeline', ARGV[2])
deliver(id, revision)
return 1
