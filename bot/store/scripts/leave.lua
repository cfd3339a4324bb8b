-- ARGV: consumer, idle time (ms) after which a replica's name is forgotten. The replica's own turns are
-- handed back: its workers may have had no time for it. Turns that a lost replica still holds keep its
-- name until they were taken over.
local consumers = redis.pcall('XINFO', 'CONSUMERS', READY, WORKERS)
if consumers.err then return 0 end
for _, turn in ipairs(redis.call('XPENDING', READY, WORKERS, '-', '+', 1000, ARGV[1])) do
  local entry = redis.call('XRANGE', READY, turn[1], turn[1])[1]
  local id = entry and entry[2][2]
  local job = id and redis.call('HMGET', JOB .. id, 'entry', 'turn')
  drop(turn[1])
  if job and job[1] == turn[1] then
    redis.call('HINCRBY', JOB .. id, 'attempt', -1)
    offer(id, job[2])
  end
end
for _, info in ipairs(consumers) do
  local about = {}
  for i = 1, #info, 2 do about[info[i]] = info[i + 1] end
  local gone = about.name == ARGV[1] or about.pending == 0 and about.idle > tonumber(ARGV[2])
  if gone then redis.call('XGROUP', 'DELCONSUMER', READY, WORKERS, about.name) end
end
return 1
