"""Call a target with cases: in this thread, in others, in processes of its own, and say what came of each."""
