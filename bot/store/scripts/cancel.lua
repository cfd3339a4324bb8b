-- ARGV: id, user, record of the job as cancelled ('' for one that this replica cannot read: it is set
-- aside with the record that it has).
-- Returns what became of it: unknown, finished, dequeued or asked.
local id, user, record = unpack(ARGV)
local job = redis.call('HMGET', JOB .. id, 'state', 'entry', 'cancelled')
if not job[1] then return 'unknown' end
if job[1] == 'finished' then return 'finished' end

if job[1] == 'queued' then
  if job[2] ~= '' then drop(job[2]) end
  redis.call('HSET', JOB .. id, 'entry', '', 'cancelled', user)
  if record == '' then
    redis.call('HSET', JOB .. id, 'aside', 1)
  else
    redis.call('HSET', JOB .. id, 'json', record)
  end
  deliver(id, redis.call('HINCRBY', JOB .. id, 'revision', 1))
  note('cancelled', id, user, 'cancelled')
  close(id)
  return 'dequeued'
end

if job[3] == '' then
  redis.call('HSET', JOB .. id, 'cancelled', user)
  note('cancel asked', id, user, '')
end
return 'asked'
