"""Programs in any language as targets: a case in a file, its result in another."""
