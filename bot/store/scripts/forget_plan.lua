-- ARGV: id. Its decision was carried out.
forget_plan(ARGV[1])
return 1
