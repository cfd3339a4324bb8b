"""Stack deploys: variables, warnings, outdated plans, outcomes, versions."""
