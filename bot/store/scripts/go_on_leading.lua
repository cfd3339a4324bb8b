-- ARGV: token, lease (ms). Returns nothing when the lease is lost.
local token, lease = unpack(ARGV)
if redis.call('GET', LEADER) ~= token then return false end
return redis.call('PEXPIRE', LEADER, lease)
