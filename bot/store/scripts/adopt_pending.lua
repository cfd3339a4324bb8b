-- ARGV: lease (ms). Returns the record, the new claim and whether it gets no job any more (1 or 0) of
-- each pending command whose replica was lost; each is given to one caller.
local lease = tonumber(ARGV[1])
if spared(lease) > 0 then return {} end
local found = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', DRAFT_LEASES, '-inf', now(), 'LIMIT', 0, 20)) do
  local record = redis.call('HGET', DRAFT_RECORDS, id)
  if record then
    redis.call('SET', SEEN .. 'adopted:' .. id, 1, 'EX', SEEN_SECONDS)
    found[#found + 1] = {record, claim_pending(id, lease), redis.call('EXISTS', SEEN .. 'gone:' .. id)}
  else
    redis.call('ZREM', DRAFT_LEASES, id)
  end
end
return found
