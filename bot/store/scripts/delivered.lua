-- ARGV: id, revision that is shown.
local id, shown = ARGV[1], tonumber(ARGV[2])
local due = tonumber(redis.call('HGET', JOB .. id, 'due') or '0')
if due > shown then
  redis.call('ZADD', DELIVERIES, 'XX', now(), id)
  wake()
  return 0
end
redis.call('ZREM', DELIVERIES, id)
redis.call('HDEL', JOB .. id, 'due')
return 1
