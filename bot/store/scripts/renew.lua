-- ARGV: id, owner, attempt, consumer. Returns who cancelled or '', nothing when the lease is lost.
local id, owner, attempt, consumer = unpack(ARGV)
if not holds(id, owner, attempt) then return false end
local job = redis.call('HMGET', JOB .. id, 'entry', 'cancelled')
redis.call('XCLAIM', READY, WORKERS, consumer, 0, job[1], 'JUSTID')
return job[2]
