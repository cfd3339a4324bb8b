-- ARGV: ids of commands whose acceptance got no answer. Discards them, but not those that a replica
-- has begun since. Returns how many were discarded.
local count = 0
for _, id in ipairs(ARGV) do
  if redis.call('EXISTS', SEEN .. 'adopted:' .. id) == 0 then
    forget_pending(id)
    redis.call('SET', SEEN .. 'gone:' .. id, 1, 'EX', SEEN_SECONDS)
    count = count + 1
  end
end
return count
