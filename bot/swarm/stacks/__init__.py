"""Stack deploys: recorded from the real docker CLI, planned, and replayed step by step."""
