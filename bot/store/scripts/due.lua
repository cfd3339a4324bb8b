-- ARGV: how many at most. What is given out is the caller's for CLAIM_SECONDS.
-- Returns {{id, revision, told, message, claim} …}, ms until the next is due (-1: none), newest entry of wake.
local moment = now()
local due = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', DELIVERIES, '-inf', moment, 'LIMIT', 0, ARGV[1])) do
  local job = redis.call('HMGET', JOB .. id, 'due', 'told', 'message')
  if job[1] then
    due[#due + 1] = {id, tonumber(job[1]), job[2] or '', job[3] or '', claim_delivery(id)}
  else
    redis.call('ZREM', DELIVERIES, id)
  end
end
local first = redis.call('ZRANGE', DELIVERIES, 0, 0, 'WITHSCORES')
return {due, first[2] and math.max(tonumber(first[2]) - moment, 0) or -1, newest(WAKE)}
