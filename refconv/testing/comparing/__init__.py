"""Compare a result with the truth: what is right, how far from it a result may be, and who differs by convention."""
