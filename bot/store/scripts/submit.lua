-- ARGV: id, record, lanes as JSON, user, text, target, claim on the job's plan ('' without a plan).
-- Returns how many jobs are ahead, -1 when the job's pending command was answered otherwise meanwhile,
-- nothing when another caller carries the plan out: in both cases nothing is queued. The plan is done
-- with in the same step, so a decision is never carried out twice.
local id, record, lanes, user, text, target, claim = unpack(ARGV)

if claim ~= '' and redis.call('EXISTS', JOB .. id) == 0 then
  local standing = redis.call('ZSCORE', PLANS, id)
  if not standing or string.format('%d', standing) ~= claim then return false end
end
if redis.call('EXISTS', SEEN .. 'gone:' .. id) == 1 then return -1 end
forget_pending(id)
forget_plan(id)

if redis.call('EXISTS', JOB .. id) == 0 then
  redis.call('HSET', JOB .. id, 'json', record, 'lanes', lanes, 'state', 'queued', 'revision', 0,
    'turn', 'run', 'entry', '', 'owner', '', 'attempt', 0, 'cancelled', '', 'told', '',
    'user', user, 'text', text, 'target', target)
  redis.call('ZADD', ACTIVE, redis.call('INCR', SEQUENCE), id)
  for _, lane in ipairs(lanes_of(id)) do redis.call('RPUSH', LANE .. lane, id) end
  note('submitted', id, user, '')
  offer_if_first(id)
  for _, lane in ipairs(lanes_of(id)) do offer_if_first(head(lane)) end
end

local ahead, count, all = {}, 0, lanes_of(id)
for _, lane in ipairs(all) do
  local place = redis.call('LPOS', LANE .. lane, id, 'RANK', -1)
  if place and #all == 1 then return place end
  if place and place > 0 then
    for _, other in ipairs(redis.call('LRANGE', LANE .. lane, 0, place - 1)) do
      if not ahead[other] then
        ahead[other] = true
        count = count + 1
      end
    end
  end
end
return count
