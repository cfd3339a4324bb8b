-- For a turn whose job this replica cannot read. ARGV: id, owner, attempt, patience (ms).
-- Until its patience is over the turn is handed back for replicas that can; a job that somebody
-- cancelled is not kept for them. Then the turn ends: the job leaves its lanes with its record as it
-- is. Returns 1 when it was set aside, 0 when it was handed back, nothing when the lease is lost.
local id, owner, attempt, patience = unpack(ARGV)
if not holds(id, owner, attempt) then return false end
redis.call('HSETNX', JOB .. id, 'unread', now())
local job = redis.call('HMGET', JOB .. id, 'entry', 'turn', 'cancelled', 'unread', 'user')
drop(job[1])
if job[3] == '' and now() - job[4] < tonumber(patience) then
  redis.call('HINCRBY', JOB .. id, 'attempt', -1)
  offer(id, job[2])
  return 0
end
redis.call('HSET', JOB .. id, 'entry', '', 'owner', '')
if job[2] == 'run' then
  redis.call('HSET', JOB .. id, 'aside', 1)
  deliver(id, redis.call('HINCRBY', JOB .. id, 'revision', 1))
  note('set aside', id, job[5], '')
  close(id)
end
return 1
