-- ARGV: id, owner, attempt, record, verdict, whether a probation follows (1 or 0).
-- Returns the new revision, nothing when the lease is lost.
local id, owner, attempt, record, verdict, probation = unpack(ARGV)
if not holds(id, owner, attempt) then return false end

local job = redis.call('HMGET', JOB .. id, 'entry', 'turn', 'user')
drop(job[1])
redis.call('HSET', JOB .. id, 'json', record, 'entry', '', 'owner', '')
local revision = redis.call('HINCRBY', JOB .. id, 'revision', 1)
if probation == '1' then
  redis.call('HSET', JOB .. id, 'attempt', 0)
  offer(id, 'watch')
end
deliver(id, revision)
note(job[2] == 'run' and 'finished' or 'watched', id, job[3], verdict)
if job[2] == 'run' then close(id) end
return revision
