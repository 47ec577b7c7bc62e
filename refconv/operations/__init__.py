"""One table: every operation with its operands, its plan and its words; the only list of operations."""

from refconv.operations.call import Call
from refconv.operations.table import LINEAR, OPERATIONS, Operation, operation_of

__all__ = ["LINEAR", "OPERATIONS", "Call", "Operation", "operation_of"]
