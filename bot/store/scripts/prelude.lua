-- Stands before every script. Times are Unix milliseconds by Redis' own clock: the replicas'
-- clocks need not agree. Records are JSON that no script ever writes: cjson turns empty lists
-- into objects and shortens numbers. What scripts change are fields of the job's hash.
-- The numbers and names in capitals that are no keys come from keys.py, in a line before this file.

local READY, ACTIVE, HISTORY, DELIVERIES, WAKE, DRAFTS, DRAFT_RECORDS, DRAFT_ORDER, AUDIT, REFUSALS, SEQUENCE,
  LEADER, WATCH, ALERTS, INCIDENT_HISTORY, INCIDENT_RECORDS, PRESSES, STACKS, PLANS,
  PLAN_RECORDS, PLAN_DECISIONS, RUN, DRAFT_LEASES, CHANNELS, VERSIONS, VERSION, JOB, LANE, SEEN = unpack(KEYS)

-- Unix milliseconds, with microseconds as their fraction.
local function exact_now()
  local time = redis.call('TIME')
  return time[1] * 1000 + time[2] / 1000
end

local function now()
  return math.floor(exact_now())
end

local function forget_pending(id)
  redis.call('ZREM', DRAFTS, id)
  redis.call('ZREM', DRAFT_ORDER, id)
  redis.call('HDEL', DRAFT_RECORDS, id)
  redis.call('ZREM', DRAFT_LEASES, id)
end

-- Gives a pending command to the caller for the lease (ms); returns the claim: the time of its end.
-- It is not abandoned meanwhile.
local function claim_pending(id, lease)
  local claim = now() + tonumber(lease)
  redis.call('ZADD', DRAFT_LEASES, claim, id)
  redis.call('ZADD', DRAFTS, 'XX', now(), id)
  return string.format('%d', claim)
end

-- For how many ms from now nobody is taken for lost: while Redis was away or loaded its data, no
-- lease could be renewed. One lease counts from the first take of this Redis process; its own
-- uptime is in whole seconds and counts from before the data is there.
local function spared(lease)
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  local known = redis.call('HMGET', RUN, 'id', 'since')
  if known[1] == run then return math.max(known[2] + lease - now(), 0) end
  redis.call('HSET', RUN, 'id', run, 'since', now())
  return lease
end

local function forget_plan(id)
  redis.call('ZREM', PLANS, id)
  redis.call('HDEL', PLAN_RECORDS, id)
  redis.call('HDEL', PLAN_DECISIONS, id)
end

-- Gives a decided plan to the caller for CLAIM_SECONDS; returns the claim: the time of its end,
-- which is another one with every caller.
local function claim_plan(id)
  local claim = now() + CLAIM_SECONDS * 1000
  redis.call('ZADD', PLANS, claim, id)
  return string.format('%d', claim)
end

-- A decision on a plan stands: nobody takes it back, and it is carried out by whoever made it, or
-- by another caller when that one is lost.
local function decide_plan(id, decision, user, token)
  redis.call('HSET', PLAN_DECISIONS, id, decision .. '|' .. user .. '|' .. token)
  redis.call('XADD', AUDIT, 'MAXLEN', '~', AUDIT_ENTRIES, '*', 'event', 'plan ' .. decision,
    'job', id, 'who', user, 'text', '', 'target', '', 'verdict', '')
end

local function note(event, id, who, verdict)
  local said = redis.call('HMGET', JOB .. id, 'text', 'target')
  redis.call('XADD', AUDIT, 'MAXLEN', '~', AUDIT_ENTRIES, '*', 'event', event, 'job', id, 'who', who,
    'text', said[1] or '', 'target', said[2] or '', 'verdict', verdict)
end

-- A token in the ready stream: the right of one worker to begin the turn.
local function offer(id, turn)
  local entry = redis.call('XADD', READY, '*', 'job', id, 'turn', turn)
  redis.call('HSET', JOB .. id, 'entry', entry, 'turn', turn, 'owner', '')
end

local function drop(entry)
  redis.call('XACK', READY, WORKERS, entry)
  redis.call('XDEL', READY, entry)
end

local function lanes_of(id)
  return cjson.decode(redis.call('HGET', JOB .. id, 'lanes') or '[]')
end

-- The first job of a lane. Ids without a record (lost with their Redis) do not block it.
local function head(lane)
  while true do
    local id = redis.call('LINDEX', LANE .. lane, 0)
    if not id or redis.call('EXISTS', JOB .. id) == 1 then return id end
    redis.call('LPOP', LANE .. lane)
  end
end

-- Offers a job that waits and is the first of all its lanes. Every job joins all its lanes in one
-- step, so the order in any two lanes is the same and no two jobs ever wait for each other.
local function offer_if_first(id)
  local job = redis.call('HMGET', JOB .. id, 'state', 'entry')
  if job[1] ~= 'queued' or job[2] ~= '' then return end
  for _, lane in ipairs(lanes_of(id)) do
    if head(lane) ~= id then return end
  end
  offer(id, 'run')
end

local function leave_lanes(id)
  local lanes = lanes_of(id)
  for _, lane in ipairs(lanes) do redis.call('LREM', LANE .. lane, 0, id) end
  for _, lane in ipairs(lanes) do
    local next_id = head(lane)
    if next_id then offer_if_first(next_id) end
  end
end

-- Whether the caller's lease still stands. The owner is new with every take, so a worker that
-- came back from a long pause never passes for the one that took its job over.
local function holds(id, owner, attempt)
  local job = redis.call('HMGET', JOB .. id, 'owner', 'attempt')
  return job[1] == owner and job[2] == attempt
end

local function wake()
  redis.call('XADD', WAKE, 'MAXLEN', 1, '*', 'due', '1')
end

-- Whoever delivers an earlier revision right now goes on alone; then this one is due.
local function deliver(id, revision)
  redis.call('HSET', JOB .. id, 'due', revision)
  redis.call('ZADD', DELIVERIES, 'NX', now(), id)
  wake()
end

-- Gives a delivery to the caller for CLAIM_SECONDS; returns the claim: the time of its end.
local function claim_delivery(id)
  local claim = now() + CLAIM_SECONDS * 1000
  redis.call('ZADD', DELIVERIES, claim, id)
  return string.format('%d', claim)
end

local function claims_delivery(id, claim)
  local score = redis.call('ZSCORE', DELIVERIES, id)
  return score and string.format('%d', score) == claim
end

-- The id of the newest entry a stream ever had: waiting from there on misses nothing.
local function newest(stream)
  if redis.call('EXISTS', stream) == 0 then return '0-0' end
  local info = redis.call('XINFO', 'STREAM', stream)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return info[i + 1] end
  end
end

-- What is not delivered yet or still watched stays. A look at some of the oldest is enough: each
-- job that ends adds one.
local function trim()
  redis.call('ZREMRANGEBYSCORE', HISTORY, '-inf', now() - HISTORY_SECONDS * 1000)
  local extra = redis.call('ZCARD', HISTORY) - HISTORY_COUNT
  if extra <= 0 then return end
  for _, id in ipairs(redis.call('ZRANGE', HISTORY, 0, math.min(extra, 20) - 1)) do
    local entry = redis.call('HGET', JOB .. id, 'entry')
    if (not entry or entry == '') and not redis.call('ZSCORE', DELIVERIES, id) then
      redis.call('DEL', JOB .. id)
      redis.call('ZREM', HISTORY, id)
    end
  end
end

-- The end of a job: out of its lanes, into the history, in which of two that end in the same
-- millisecond the later one is the newer.
local function close(id)
  redis.call('HSET', JOB .. id, 'state', 'finished')
  redis.call('ZREM', ACTIVE, id)
  redis.call('ZADD', HISTORY, exact_now(), id)
  redis.call('EXPIRE', JOB .. id, HISTORY_SECONDS)
  leave_lanes(id)
  trim()
end
