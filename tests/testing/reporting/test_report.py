from __future__ import annotations

from refconv.testing.reporting.report import _in_likelihood


def test_what_rounds_the_factors_goes_first_by_how_many_types_it_explains() -> None:
    shared = {"inputs-tf32": 1, "inputs-f16": 2, "sums-bf16": 3}
    assert _in_likelihood(("inputs-tf32", "inputs-f16", "sums-bf16"), shared) == [
        "inputs-f16",
        "inputs-tf32",
        "sums-bf16",
    ]
    assert _in_likelihood(("inputs-tf32", "sums-bf16", "inputs-f16"), shared) == [
        "inputs-f16",
        "inputs-tf32",
        "sums-bf16",
    ]
    # Where sums are the likeliest, they are by the type, and nothing else is asked.
    assert _in_likelihood(("sums-bf16", "inputs-tf32", "inputs-f16"), shared) == [
        "sums-bf16",
        "inputs-tf32",
        "inputs-f16",
    ]
