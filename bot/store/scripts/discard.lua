-- ARGV: ids.
for _, id in ipairs(ARGV) do
  redis.call('ZREM', DRAFTS, id)
  redis.call('HDEL', DRAFT_RECORDS, id)
end
return #ARGV
