-- ARGV: id, claim. Renews a delivery's claim. Returns the new claim, nothing when another caller has it.
if not claims_delivery(ARGV[1], ARGV[2]) then return false end
return claim_delivery(ARGV[1])
