"""What is said of each wrong kernel is what was said before: `findings.txt` has the likeliest code, and checksums.

The checksums are of all findings of its arrays, of what calling it again tells, and of its traced addresses.  Where
others are meant, print the table anew: ``PYTHONPATH=tests:tests/testing python
tests/testing/diagnosis/test_same_findings.py > tests/testing/diagnosis/findings.txt``.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from types import ModuleType

import adjoint_mutants
import mutants
import pytest
from adjoint_mutant_causes import CAUSES as OF_ADJOINTS
from mutant_causes import CAUSES
from sampled import one_in

from refconv.testing import find_case
from refconv.testing.diagnosis.addressing import trace_addressing
from refconv.testing.diagnosis.causes import examined, explained

TABLE = Path(__file__).with_name("findings.txt")
KERNELS = [*((mutants, name, of.case) for name, of in CAUSES.items())]
KERNELS += [(adjoint_mutants, name, of.case) for name, of in OF_ADJOINTS.items()]


def line(module: ModuleType, name: str, case: str) -> str:
    """The line of a kernel: its name, the likeliest code, and a checksum each of all there is to say."""
    kernel, asked = getattr(module, name), find_case(case)
    found = explained(asked, asked.called(kernel, asked.operands()))
    try:
        trace = str(trace_addressing(kernel, asked))
    except ValueError as error:  # of another shape there are no addresses
        trace = str(error)
    checksums = [f"{zlib.crc32(repr(said).encode()):08x}" for said in (found, examined(kernel, asked), trace)]
    return " ".join([module.__name__, name, found[0].code if found else "-", *checksums])


@pytest.mark.parametrize(("module", "name", "case"), one_in(16, KERNELS))
def test_the_findings_are_what_they_were(module: ModuleType, name: str, case: str) -> None:
    assert line(module, name, case) in TABLE.read_text().splitlines()


if __name__ == "__main__":
    print("\n".join(line(*kernel) for kernel in KERNELS))
