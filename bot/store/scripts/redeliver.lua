-- ARGV: id. Makes a finished job due whose message does not show its end. Returns 1 if it was not due.
local job = redis.call('HMGET', JOB .. ARGV[1], 'state', 'revision')
if job[1] ~= 'finished' or redis.call('ZSCORE', DELIVERIES, ARGV[1]) then return 0 end
deliver(ARGV[1], job[2])
return 1
