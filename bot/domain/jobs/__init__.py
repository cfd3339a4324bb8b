"""Jobs as values: the request, the plan of a deploy, progress and verdicts."""
