-- ARGV: ids.
for _, id in ipairs(ARGV) do
  forget_pending(id)
  redis.call('SET', SEEN .. 'gone:' .. id, 1, 'EX', SEEN_SECONDS)
end
return #ARGV
