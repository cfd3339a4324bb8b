-- ARGV: id, decision, user, token of the call, id of the pending command that asks ('' for none).
-- Returns the record, the decision that stands with who made it and how, and the claim to carry it out
-- ('' for a caller that does not); nothing when there is no such plan. The pending command of the call that confirms is done with that.
local id, decision, user, token, pending = unpack(ARGV)
local record = redis.call('HGET', PLAN_RECORDS, id)
if not record then return nil end
local claim = ''
if redis.call('HEXISTS', PLAN_DECISIONS, id) == 0 then
  if tonumber(redis.call('ZSCORE', PLANS, id)) <= now() then decision, user = 'expired', '' end
  decide_plan(id, decision, user, token)
  claim = claim_plan(id)
  if pending ~= '' and decision == 'confirmed' then forget_pending(pending) end
end
local decided = redis.call('HGET', PLAN_DECISIONS, id)
-- The client repeats a call whose connection broke.
if claim == '' and string.sub(decided, -#token) == token then
  claim = string.format('%d', redis.call('ZSCORE', PLANS, id))
end
return {record, decided, claim}
