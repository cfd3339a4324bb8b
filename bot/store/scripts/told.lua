-- ARGV: id, verdict, ts of the message that was posted in place of the job's own ('' for none).
if redis.call('EXISTS', JOB .. ARGV[1]) == 0 then return 0 end
redis.call('HSET', JOB .. ARGV[1], 'told', ARGV[2])
if ARGV[3] ~= '' then redis.call('HSET', JOB .. ARGV[1], 'message', ARGV[3]) end
return 1
