"""Is a large result right, at a fraction of what computing it costs?"""
