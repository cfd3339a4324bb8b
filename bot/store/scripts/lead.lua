-- ARGV: token, lease (ms). Returns 1 when the caller leads now, also when the call is repeated.
local token, lease = unpack(ARGV)
if redis.call('SET', LEADER, token, 'NX', 'PX', lease) then return 1 end
return redis.call('GET', LEADER) == token and 1 or 0
