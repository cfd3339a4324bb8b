-- ARGV: job, digest, sealed, owner and attempt of the job's lease ('' without one). What a deploy is
-- made from, until the deploy has ended. Returns 1, nothing when the lease is lost.
if ARGV[4] ~= '' and not holds(ARGV[1], ARGV[4], ARGV[5]) then return false end
local key = VERSION .. ARGV[1]

-- Of more than BUNDLES_BYTES the oldest go, but for each stack's newest that is well.
local function make_room(total)
  local old = {}
  for _, stack in ipairs(redis.call('SMEMBERS', STACKS)) do
    local spared = false
    for _, job in ipairs(redis.call('ZREVRANGE', VERSIONS .. stack, 0, -1)) do
      local about = redis.call('HMGET', VERSION .. job, 'well', 'kept')
      local size = redis.call('HSTRLEN', VERSION .. job, 'sealed')
      total = total + size
      if about[1] == '1' and not spared then
        spared = true
      elseif size > 0 and job ~= ARGV[1] then
        old[#old + 1] = {job = job, size = size, kept = tonumber(about[2] or '0')}
      end
    end
  end
  table.sort(old, function(a, b) return a.kept < b.kept end)
  for _, each in ipairs(old) do
    if total <= BUNDLES_BYTES then return end
    redis.call('HDEL', VERSION .. each.job, 'digest', 'sealed')
    total = total - each.size
  end
end

make_room(#ARGV[3])
redis.call('HSET', key, 'digest', ARGV[2], 'sealed', ARGV[3], 'kept', now())
if redis.call('HEXISTS', key, 'json') == 0 then redis.call('EXPIRE', key, BUNDLE_SECONDS) end
return 1
