-- Returns the ids of the active jobs that a worker has begun, oldest first.
local found = {}
for _, id in ipairs(redis.call('ZRANGE', ACTIVE, 0, -1)) do
  if redis.call('HGET', JOB .. id, 'state') == 'running' then found[#found + 1] = id end
end
return found
