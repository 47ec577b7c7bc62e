"""Which pixel does which output read?  Integers only, no arrays: how arguments are written, one axis, and the plan."""
