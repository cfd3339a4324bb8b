-- Hands a turn back for whoever comes first. ARGV: id, owner, attempt.
local id, owner, attempt = unpack(ARGV)
if not holds(id, owner, attempt) then return false end
local job = redis.call('HMGET', JOB .. id, 'entry', 'turn')
drop(job[1])
redis.call('HINCRBY', JOB .. id, 'attempt', -1)
offer(id, job[2])
return 1
