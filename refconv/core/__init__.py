"""The sum: directly, by einsum, by matrix product, and its adjoints, for any number of axes; arrays, no types."""
