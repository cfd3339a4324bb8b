-- ARGV: token; the mark that the watcher's state was last written with ('' for never); the new mark; then
-- five lists, each after its length: fields of the state and their values; ids of alerts and their
-- records; ids of alerts that are over; times (ms), ids and records of resolved incidents; ids of
-- incidents that are open again.
-- Returns the new mark, the one that is there when it is another than said (nothing is written
-- then), nothing when the lease is lost. A repeated call finds its own mark.
local token, before, mark = ARGV[1], ARGV[2], ARGV[3]
if redis.call('GET', LEADER) ~= token then return false end
local found = redis.call('HGET', WATCH, 'mark') or ''
if found ~= before and found ~= mark then return found end

local place = 4
local function next_list()
  local list = {}
  for i = 1, tonumber(ARGV[place]) do list[i] = ARGV[place + i] end
  place = place + #list + 1
  return list
end

local function put(key, pairs_of)
  for i = 1, #pairs_of, 2 do redis.call('HSET', key, pairs_of[i], pairs_of[i + 1]) end
end

local function forget(ids)
  for _, id in ipairs(ids) do
    redis.call('ZREM', INCIDENT_HISTORY, id)
    redis.call('HDEL', INCIDENT_RECORDS, id)
  end
end

-- Age is counted from the newest one: it is told in the watcher's time, not in Redis'.
local function trim_incidents()
  forget(redis.call('ZRANGE', INCIDENT_HISTORY, 0, -HISTORY_COUNT - 1))
  local newest_one = redis.call('ZRANGE', INCIDENT_HISTORY, -1, -1, 'WITHSCORES')
  local edge = tonumber(newest_one[2]) - HISTORY_SECONDS * 1000
  forget(redis.call('ZRANGEBYSCORE', INCIDENT_HISTORY, '-inf', string.format('(%.3f', edge)))
  redis.call('EXPIRE', INCIDENT_HISTORY, HISTORY_SECONDS)
  redis.call('EXPIRE', INCIDENT_RECORDS, HISTORY_SECONDS)
end

put(WATCH, next_list())
redis.call('HSET', WATCH, 'mark', mark)
put(ALERTS, next_list())
for _, id in ipairs(next_list()) do redis.call('HDEL', ALERTS, id) end
local past = next_list()
for i = 1, #past, 3 do
  redis.call('ZADD', INCIDENT_HISTORY, past[i], past[i + 1])
  redis.call('HSET', INCIDENT_RECORDS, past[i + 1], past[i + 2])
end
if #past > 0 then trim_incidents() end
forget(next_list())
return mark
