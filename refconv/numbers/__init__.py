"""In which type, and rounded how?  Formats, dtypes and exact sums; no geometry."""
