-- Gives one turn to one worker: that of a lost worker, else the next of the ready stream.
-- ARGV: consumer, owner, lease (ms), whether a lost worker's turn may be taken over (1 or 0).
-- Returns {1, id, turn, attempt}, or {0, ms until the next lease ends, newest entry of ready}.
local consumer, owner, lease, reclaim = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4] == '1'

local function pending()
  local turns = redis.pcall('XPENDING', READY, WORKERS, '-', '+', 1000)
  if not turns.err then return turns end
  redis.call('XGROUP', 'CREATE', READY, WORKERS, '0', 'MKSTREAM')
  return {}
end

-- Claiming an entry that is no longer in the stream forgets it and returns nothing.
local function lost(turns)
  for _, turn in ipairs(turns) do
    if turn[3] >= lease then
      local entry = redis.call('XCLAIM', READY, WORKERS, consumer, lease, turn[1])[1]
      if entry then return entry end
    end
  end
end

local function fresh()
  local read = redis.call('XREADGROUP', 'GROUP', WORKERS, consumer, 'COUNT', 1, 'STREAMS', READY, '>')
  return read and read[1][2][1]
end

local function soonest(turns, least)
  local wait = lease
  for _, turn in ipairs(turns) do wait = math.min(wait, lease - turn[3]) end
  return math.max(wait, least)
end

local grace = spared(lease)
local turns = pending()
while true do
  local entry = reclaim and grace == 0 and lost(turns) or fresh()
  if not entry then return {0, soonest(turns, grace), newest(READY)} end
  local id = entry[2][2]
  local job = redis.call('HMGET', JOB .. id, 'entry', 'turn')
  if job[1] == entry[1] then
    redis.call('HSET', JOB .. id, 'owner', owner)
    if job[2] == 'run' then redis.call('HSET', JOB .. id, 'state', 'running') end
    return {1, id, job[2], redis.call('HINCRBY', JOB .. id, 'attempt', 1)}
  end
  drop(entry[1])
  turns = pending()
end
