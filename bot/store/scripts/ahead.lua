-- ARGV: lanes. Returns how many active jobs are in them, and the newest of them ('' without one).
local seen, count, newest, latest = {}, 0, '', 0
for _, lane in ipairs(ARGV) do
  local ids = redis.call('LRANGE', LANE .. lane, 0, -1)
  for place = #ids, 1, -1 do
    local id = ids[place]
    local number = not seen[id] and tonumber(redis.call('ZSCORE', ACTIVE, id) or 0) or 0
    if number > 0 then
      seen[id], count = true, count + 1
      if number > latest then newest, latest = id, number end
    end
  end
end
return {count, newest}
