-- ARGV: stack, job, record, '1' when it ended well or '', owner and attempt of the job's lease (''
-- without one). Returns the number, nothing when the lease is lost.
-- Of more than VERSION_COUNT the oldest go, but for the newest that is well: who has to go back
-- after many bad deploys still can.
local stack, job = ARGV[1], ARGV[2]
if ARGV[5] ~= '' and not holds(job, ARGV[5], ARGV[6]) then return false end
local list, key = VERSIONS .. stack, VERSION .. job
local number = redis.call('ZSCORE', list, job)
if not number then
  local last = redis.call('ZRANGE', list, -1, -1, 'WITHSCORES')
  number = (tonumber(last[2]) or 0) + 1
  redis.call('ZADD', list, number, job)
  redis.call('SADD', STACKS, stack)
end
redis.call('HSET', key, 'json', ARGV[3], 'well', ARGV[4])
redis.call('PERSIST', key)

local jobs = redis.call('ZRANGE', list, 0, -1)
local spared
for i = #jobs, 1, -1 do
  if redis.call('HGET', VERSION .. jobs[i], 'well') == '1' then
    spared = jobs[i]
    break
  end
end
local extra = #jobs - VERSION_COUNT
for _, old in ipairs(jobs) do
  if extra > 0 and old ~= spared then
    redis.call('ZREM', list, old)
    redis.call('DEL', VERSION .. old)
    extra = extra - 1
  end
end
return tonumber(number)
