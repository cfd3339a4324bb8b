-- ARGV: id, claim ('' for the one of its acceptance, which ends with an adoption), lease (ms). Renews
-- the lease of a pending command. Returns the new claim, '' when the command is done with, nothing
-- when another replica has it.
local id, claim, lease = unpack(ARGV)
local score = redis.call('ZSCORE', DRAFT_LEASES, id)
if not score then return '' end
if claim ~= '' and string.format('%d', score) ~= claim then return false end
if claim == '' and redis.call('EXISTS', SEEN .. 'adopted:' .. id) == 1 then return false end
return claim_pending(id, lease)
