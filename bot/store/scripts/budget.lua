-- A token bucket. ARGV: bucket's key, tokens a minute, burst, reserve.
-- Returns the ms to wait, 0 when a token was taken. Fractions are kept as text.
local key, rate, burst, reserve = ARGV[1], tonumber(ARGV[2]) / 60000, tonumber(ARGV[3]), tonumber(ARGV[4])
local moment = now()
local bucket = redis.call('HMGET', key, 'tokens', 'at')
local tokens = tonumber(bucket[1] or burst)
local at = tonumber(bucket[2] or moment)
tokens = math.min(burst, tokens + math.max(0, moment - at) * rate)
local wait = 0
if tokens >= 1 + reserve then
  tokens = tokens - 1
else
  wait = math.ceil((1 + reserve - tokens) / rate)
end
redis.call('HSET', key, 'tokens', string.format('%.6f', tokens), 'at', string.format('%d', moment))
redis.call('EXPIRE', key, BUDGET_SECONDS)
return wait
