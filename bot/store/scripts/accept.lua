-- ARGV: id, record, the delivery's key, lease (ms), channel. Returns 1 when it is new, or when
-- it is the same once more: the client repeats a call whose connection broke.
local id, record, key, lease, channel = unpack(ARGV)
if not redis.call('SET', SEEN .. key, id, 'NX', 'EX', SEEN_SECONDS) then
  return redis.call('GET', SEEN .. key) == id and 1 or 0
end
redis.call('HSET', DRAFT_RECORDS, id, record)
redis.call('ZADD', DRAFTS, now(), id)
claim_pending(id, lease)
if channel ~= '' then redis.call('SADD', CHANNELS, channel) end
redis.call('ZADD', DRAFT_ORDER, redis.call('INCR', SEQUENCE), id)
return 1
