"""Golden vectors: the cases as files, and a program's results beside them judged."""

from refconv.testing.vectors.judging import judge_vectors
from refconv.testing.vectors.writing import write_vectors

__all__ = ["judge_vectors", "write_vectors"]
