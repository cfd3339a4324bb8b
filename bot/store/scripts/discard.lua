-- ARGV: ids.
for _, id in ipairs(ARGV) do
  redis.call('ZREM', DRAFTS, id)
  redis.call('ZREM', DRAFT_ORDER, id)
  redis.call('HDEL', DRAFT_RECORDS, id)
  redis.call('SET', SEEN .. 'gone:' .. id, 1, 'EX', SEEN_SECONDS)
end
return #ARGV
