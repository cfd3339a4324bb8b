-- ARGV: token of the call. Returns record, decision and claim of each plan that nobody decided in
-- time, and of those whose decision nobody carried out in time. Each is given to one caller at once.
local due = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', PLANS, '-inf', now(), 'LIMIT', 0, 20)) do
  local record = redis.call('HGET', PLAN_RECORDS, id)
  if record then
    if redis.call('HEXISTS', PLAN_DECISIONS, id) == 0 then decide_plan(id, 'expired', '', ARGV[1]) end
    due[#due + 1] = {record, redis.call('HGET', PLAN_DECISIONS, id), claim_plan(id)}
  else
    redis.call('ZREM', PLANS, id)
  end
end
return due
