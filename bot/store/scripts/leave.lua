-- ARGV: consumer, idle time (ms) after which a replica's name is forgotten. Turns that a lost
-- replica still holds keep its name until they were taken over.
local consumers = redis.pcall('XINFO', 'CONSUMERS', READY, WORKERS)
if consumers.err then return 0 end
for _, info in ipairs(consumers) do
  local about = {}
  for i = 1, #info, 2 do about[info[i]] = info[i + 1] end
  local gone = about.name == ARGV[1] or about.idle > tonumber(ARGV[2])
  if gone and about.pending == 0 then redis.call('XGROUP', 'DELCONSUMER', READY, WORKERS, about.name) end
end
return 1
