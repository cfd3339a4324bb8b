"""Jobs as values: what was asked for, the plan of a deploy, progress and verdicts."""
