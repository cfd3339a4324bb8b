-- ARGV: id, record, how long it may wait for a decision (ms). Takes the place of the pending command of that id.
-- Returns 1, or 0 when the pending command was answered otherwise meanwhile: then it is not kept.
local id, record, age = unpack(ARGV)
if redis.call('EXISTS', SEEN .. 'gone:' .. id) == 1 then return 0 end
forget_pending(id)
if redis.call('HSETNX', PLAN_RECORDS, id, record) == 1 then
  redis.call('ZADD', PLANS, now() + tonumber(age), id)
end
return 1
