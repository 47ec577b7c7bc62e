"""A trait of one case, put into another one."""

from __future__ import annotations

import pytest

from refconv.testing.battery.names import words_of, write_name
from refconv.testing.battery.traits import with_trait

PLAIN = "n1-c1-o1-g1-2x3-k1-s1-p0-d1-f32"


@pytest.mark.parametrize(
    ("trait", "name"),
    [
        ("k0", "n1-c1-o1-g1-7x9-k3x1-s1-p0-d1-f32"),
        ("k1", "n1-c1-o1-g1-7x9-k1x2-s1-p0-d1-f32"),
        ("s1", "n1-c1-o1-g1-7x9-k1-s1x4-p0-d1-f32"),
        ("d0", "n1-c1-o1-g1-7x9-k1-s1-p0-d5x1-f32"),
        ("p0", "n1-c1-o1-g1-7x9-k1-s1-p6x0-d1-f32"),  # of 0 and 6 the larger side
        ("p by side", "n1-c1-o1-g1-7x9-k1-s1-p0+6x1+0-d1-f32"),
        ("n", "n2-c1-o1-g1-7x9-k1-s1-p0-d1-f32"),
        ("c", "n1-c6-o1-g1-7x9-k1-s1-p0-d1-f32"),
        ("g", "n1-c6-o10-g2-7x9-k1-s1-p0-d1-f32"),  # with channels that its groups divide
        ("size 0", "n1-c1-o1-g1-7x9-k3x2-s1-p0+6x1+0-d5x1-f32"),  # with the kernel that it is for
        ("bias", "n1-c1-o1-g1-7x9-k1-s1-p0-d1-bias-f32"),
        ("dtype f16", "n1-c1-o1-g1-7x9-k1-s1-p0-d1-f16"),
        ("layout strided", "n1-c1-o1-g1-7x9-k1-s1-p0-d1-f32-strided"),
    ],
)
def test_a_trait_is_put_into_another_case_with_the_size_that_it_needs(trait: str, name: str) -> None:
    other = "n2-c6-o10-g2-7x9-k3x2-s3x4-p0+6x1+0-d5x1-bias-f16-strided"
    assert write_name(with_trait(words_of(PLAIN), trait, words_of(other))) == name
