"""Which cases there are: each its name, with its arrays and its truth, and the tiers that they make up."""
