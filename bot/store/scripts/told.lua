-- ARGV: id, verdict.
if redis.call('EXISTS', JOB .. ARGV[1]) == 0 then return 0 end
redis.call('HSET', JOB .. ARGV[1], 'told', ARGV[2])
return 1
