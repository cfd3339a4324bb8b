-- ARGV: age (ms). Returns the records of all pending commands nobody was given for so long.
local moment = now()
local records = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', DRAFTS, '-inf', moment - tonumber(ARGV[1]))) do
  local record = redis.call('HGET', DRAFT_RECORDS, id)
  if record then
    redis.call('ZADD', DRAFTS, moment, id)
    records[#records + 1] = record
  else
    redis.call('ZREM', DRAFTS, id)
    redis.call('ZREM', DRAFT_ORDER, id)
  end
end
return records
