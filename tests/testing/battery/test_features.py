from __future__ import annotations

import pytest

from refconv.testing import find_case
from refconv.testing.battery.features import features_of, read_supports, unsupported


@pytest.mark.parametrize(
    ("name", "features"),
    [
        ("n1-c2-o3-g1-5x6-k3-s1-p0-d1-f32", ()),
        ("c2-o3-g1-5x6-k3-s1-p0-d1-f32", ("unbatched",)),
        ("n0-c2-o3-g1-5x6-k3-s1-p0-d1-f32", ("empty",)),
        ("n1-c0-o3-g1-5x6-k3-s1-p0-d1-f32", ("empty",)),
        ("n1-c2-o4-g2-5x6-k3-s1-p0-d1-bias-f16", ("groups", "bias")),
        ("n1-c2-o3-g1-5x6-k3-s1x2-p0x1-d2x1-f32", ("stride", "padding", "dilation")),
        ("n1-c2-o3-g1-5x6-k3-s1-p0+0x0+1-d1-f32", ("padding", "asymmetric")),
        ("n1-c2-o3-g1-5x6-k3-s1-psame-d1-f32", ("same",)),
        ("n1-c2-o3-g1-5x6-k3-s1-psame_upper-d1-f32", ("same_upper",)),
        ("n1-c2-o3-g1-5x6-k3-s1-pvalid-d1-f32", ("valid",)),
        ("n1-c2-o3-g1-5x6-k3-s1-p0-d1-f32xf64-nan-strided-input-threads", ("mixed", "nonfinite", "strides", "threads")),
        ("n1-c2-o3-g1-5x6-k3-s1-p0-d1-biasf64-f32", ("bias", "mixed")),
        ("conv_transpose2d-n1-c2-o3-g1-5x6-k3-s2-p0-e1-d1-f32", ("stride", "output_padding")),
        ("n1-c2-o3-g1-5x6-k3-s1-p0-d1-f32-subnormalweight", ("subnormal",)),
    ],
)
def test_the_features_of_a_case(name: str, features: tuple[str, ...]) -> None:
    assert features_of(name) == features


@pytest.mark.parametrize(
    ("said", "lacks"),
    [
        ("float32", ""),
        ("float64", "float32"),
        ("float16 float64", "float32"),
        ("no-groups", "groups"),
        ("no-dilation", ""),
        ("groups,bias", "stride"),
        ("groups,bias,stride", ""),
        ("float64,bias", "float32, groups, stride"),
        ("bias,stride,groups,no-bias", "bias"),
    ],
)
def test_what_is_said_to_be_supported(said: str, lacks: str) -> None:
    case = find_case("n1-c2-o4-g2-5x6-k3-s2-p0-d1-bias-f32")
    assert unsupported(case, read_supports(said)) == (f"not said to be supported: {lacks}" if lacks else "")


def test_what_ought_to_be_refused_needs_no_support() -> None:
    assert unsupported(find_case("reject-stride-zero"), ("float64", "no-stride")) == ""
