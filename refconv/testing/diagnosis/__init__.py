"""Where a result is wrong, and why: from its numbers alone, and from a target that can be called again."""
