-- ARGV: id, owner, attempt, record. Returns the new revision, nothing when the lease is lost.
local id, owner, attempt, record = unpack(ARGV)
if not holds(id, owner, attempt) then return false end
redis.call('HSET', JOB .. id, 'json', record)
return redis.call('HINCRBY', JOB .. id, 'revision', 1)
