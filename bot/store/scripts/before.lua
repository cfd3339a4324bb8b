-- ARGV: id. Returns the records of the pending commands that came before it, first come first.
local rank = redis.call('ZRANK', DRAFT_ORDER, ARGV[1])
if not rank or rank == 0 then return {} end
local records = {}
for _, id in ipairs(redis.call('ZRANGE', DRAFT_ORDER, 0, rank - 1)) do
  records[#records + 1] = redis.call('HGET', DRAFT_RECORDS, id) or nil
end
return records
