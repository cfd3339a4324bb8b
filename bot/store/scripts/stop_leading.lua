-- ARGV: token.
if redis.call('GET', LEADER) ~= ARGV[1] then return 0 end
return redis.call('DEL', LEADER)
