-- ARGV: id, decision, user, token of the call, id of the pending command that asks ('' for none).
-- Returns the record and the decision that stands with who made it and how; nothing when there
-- is no such plan. The pending command of the call that confirms is done with that.
local id, decision, user, token, pending = unpack(ARGV)
local record = redis.call('HGET', PLAN_RECORDS, id)
if not record then return nil end
if redis.call('HEXISTS', PLAN_DECISIONS, id) == 0 then
  if tonumber(redis.call('ZSCORE', PLANS, id)) <= now() then decision, user = 'expired', '' end
  decide_plan(id, decision, user, token)
  redis.call('ZADD', PLANS, now() + CLAIM_SECONDS * 1000, id)
  if pending ~= '' and decision == 'confirmed' then forget_pending(pending) end
end
return {record, redis.call('HGET', PLAN_DECISIONS, id)}
