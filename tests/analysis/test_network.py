from __future__ import annotations

import re

import pytest

from refconv.analysis import Conv, ConvTranspose, Layers, Parallel, Pool, Upsample
from refconv.analysis.trace import feature_maps


@pytest.mark.parametrize(
    ("line", "layers"),
    [
        ("k3 k3d2 k3d5", [Conv(3), Conv(3, dilation=2), Conv(3, dilation=5)]),
        ("k7s2p3", [Conv(7, stride=2, padding=3)]),
        ("k3x5p1x2d4x6s7x8", [Conv((3, 5), stride=(7, 8), padding=(1, 2), dilation=(4, 6))]),
        ("pool2s2 pool3 pool3x4s2p1d2ceil", [Pool(2), Pool(3), Pool((3, 4), 2, 1, 2, ceil_mode=True)]),
        ("up2 up2x3nearest up4bilinear", [Upsample(2), Upsample((2, 3)), Upsample(4, "bilinear")]),
        ("convt4s2p1 convt3s3d2o1x2", [ConvTranspose(4, 2, 1), ConvTranspose(3, 3, 0, (1, 2), 2)]),
        (
            "(k1 | k3d6 k1| pool2)",
            [Parallel(Conv(1), [Conv(3, dilation=6), Conv(1)], Pool(2))],
        ),
        ("k1(|k3(k5|k7))k9", [Conv(1), Parallel([], [Conv(3), Parallel(Conv(5), Conv(7))]), Conv(9)]),
        ("  ", []),
        ("( )", [Parallel([])]),
        ("maxpool2 avgpool3x4s2ceil", [Pool(2), Pool((3, 4), 2, ceil_mode=True)]),
        (
            "k3psame k3x4d2psame_lower k5s2pvalid",
            [Conv(3, padding=1), Conv((3, 4), padding=((2, 2), (3, 3)), dilation=2), Conv(5, 2)],
        ),
        ("(k3 pool2)x3", [Conv(3), Pool(2)] * 3),
        ("k1 (k3)x2 k5", [Conv(1), Conv(3), Conv(3), Conv(5)]),
        ("(k3p1 | )x2", [Parallel(Conv(3, padding=1), [])] * 2),
        ("((k3)x2 k5)x2", [Conv(3), Conv(3), Conv(5)] * 2),
        ("(k1 | (k3)x2)", [Parallel(Conv(1), [Conv(3), Conv(3)])]),
        ("(k3 k3)", [Parallel([Conv(3), Conv(3)])]),
        ("c1: k3s2p1d4 pool2 up2", [Conv((1, 3), (1, 2), (0, 1), (1, 4)), Pool((1, 2)), Upsample((1, 2))]),
        ("c1: convt4s2p1o1", [ConvTranspose((1, 4), (1, 2), (0, 1), (0, 1))]),
        ("c1: (k2d1 | k4psame_upper)", [Parallel(Conv((1, 2)), Conv((1, 4), padding=((0, 0), (1, 2))))]),
    ],
)
def test_parse(line: str, layers: list[Conv | Pool | ConvTranspose | Upsample | Parallel]) -> None:
    assert Layers.parse(line) == Layers(layers)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "k3d2,k3d3",
            "layer 1: 'k3d2,k3d3' must be a layer, such as k3, k3s2p1d2, k3x5, pool2; did you mean 'k3d2 k3d3'?",
        ),
        ("k3 kk3", "layer 2: 'kk3' must be a layer, such as k3, k3s2p1d2, k3x5, pool2; did you mean 'k3'?"),
        ("pol2", "layer 1: 'pol2' must be a layer, such as k3, k3s2p1d2, k3x5, pool2; did you mean 'pool2'?"),
        ("zzz", "layer 1: 'zzz' must be a layer, such as k3, k3s2p1d2, k3x5, pool2"),
        ("k1 (k1 | k3 zz)", "layer 2, branch 2, layer 2: 'zz' must be a layer, such as k3, k3s2p1d2, k3x5, pool2"),
        ("k3s2s3", "layer 1: 'k3s2s3' has 's' twice"),
        ("k3 k3o1", "layer 2: 'k3o1' has 'o', which 'k' does not take"),
        ("up2s1", "layer 1: 'up2s1' has 's', which 'up' does not take"),
        ("k3ceil", "layer 1: 'k3ceil' has 'ceil', which 'k' does not take"),
        ("pool2bilinear", "layer 1: 'pool2bilinear' has 'bilinear', which 'pool' does not take"),
        ("k3 (k1 | k3", "layer 2: its '(' has no ')'"),
        ("c1: k3x5", "layer 1: 'k3x5' has two axes, and 'c1:' says one"),
        ("c1: k3d1x2", "layer 1: 'k3d1x2' has two axes, and 'c1:' says one"),
        ("k3 (k5)x0", "layer 2: x0 must make at least 1 and at most 100000 layers"),
        ("(k3 k5)x50001", "layer 1: x50001 must make at least 1 and at most 100000 layers"),
        ("k3psome", "layer 1: 'k3psome' must be a layer, such as k3, k3s2p1d2, k3x5, pool2; did you mean 'k3psame'?"),
        (
            "k3s2psame",
            "layer 1, 'k3s2psame': padding='same' depends on the input's size at stride (2, 2); write ((top, bottom), (left, right))",
        ),
        ("k3 | k1", "'k3 | k1' has a '|' without a '(' before it"),
        ("k3 ) k1", "'k3 ) k1' has a ')' without a '(' before it"),
        ("k3 k0", "layer 2, 'k0': kernel_size=0 must be at least 1"),
        ("(k3 | k3x0)", "layer 1, branch 2, layer 1, 'k3x0': kernel_size[1]=0 must be at least 1"),
        ("pool2s0", "layer 1, 'pool2s0': stride=0 must be at least 1"),
        ("k3d0", "layer 1, 'k3d0': dilation=0 must be at least 1"),
        (
            "convt3o1",
            "layer 1, 'convt3o1': output_padding=(1, 1) must be below the stride (1, 1) or the dilation (1, 1)",
        ),
    ],
)
def test_a_line_that_is_no_network_is_refused(line: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Layers.parse(line)


def test_layers_are_a_tuple() -> None:
    layers = Layers([Conv(3), Pool(2)])
    assert layers == (Conv(3), Pool(2))
    assert layers[1] == Pool(2)
    assert repr(layers) == "Layers([Conv(3), Pool(2)])"
    assert Layers(Conv(3)) == Layers([Conv(3)]) == Layers(iter([Conv(3)]))
    assert Layers(Parallel([])) == (Parallel([]),)
    assert Layers() == ()


def test_parallel() -> None:
    parallel = Parallel(Conv(1), [], [Conv(3), Pool(2)])
    assert parallel.branches == (Layers([Conv(1)]), Layers(), Layers([Conv(3), Pool(2)]))
    assert repr(parallel) == "Parallel([Conv(1)], [], [Conv(3), Pool(2)])"
    assert parallel == Parallel([Conv(1)], (), (Conv(3), Pool(2)))
    assert hash(parallel) == hash(Parallel([Conv(1)], (), (Conv(3), Pool(2))))


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ([Conv(3), 3], "layer 2, 3, must be a layer such as Conv(3), not int"),
        ("k3", "layer 1, 'k', must be a layer such as Conv(3), not str"),
        (3, "network=3 must be a sequence of layers, not int"),
        ([[Conv(3)]], "layer 1, [Conv(3)], must be a layer such as Conv(3), not list"),
    ],
)
def test_what_is_no_network_is_refused(network: object, message: str) -> None:
    with pytest.raises(TypeError, match=f"^{re.escape(message)}"):
        Layers(network)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^Parallel\(\) must have a branch$"):
        Parallel()


def test_feature_maps() -> None:
    layers = Layers.parse("k3x5s2x1 ( | k3p1) pool2 up3x2")
    assert feature_maps(layers, (11, 10)) == [(11, 10), (5, 6), (5, 6), (2, 3), (6, 6)]
    assert feature_maps(Layers(), 4) == [(4, 4)]


@pytest.mark.parametrize(
    ("line", "size", "message"),
    [
        (
            "k3 k7",
            (9, 8),
            "layer 2, Conv(7): kernel width 7 at dilation 1 spans 7 pixels; it must fit the padded input width 0 + 6 + 0 = 6",
        ),
        (
            "k3 (k1 | k1 k7)",
            (8, 9),
            "layer 2, branch 2, layer 2, Conv(7): kernel height 7 at dilation 1 spans 7 pixels; it must fit the padded input height 0 + 6 + 0 = 6",
        ),
        (
            "k3 (k1 | k3)",
            (8, 9),
            "layer 2, Parallel([Conv(1)], [Conv(3)]): its branches give feature maps of [(6, 7), (4, 5)]; they must be of one size",
        ),
        (
            "convt1p2",
            (4, 9),
            "layer 1, ConvTranspose(1, padding=2): padding=(2, 2) must leave some of the output height 4",
        ),
        ("k1", 0, "input_size=0 must be at least 1"),
    ],
)
def test_a_feature_map_that_vanishes_is_refused_with_the_layer(
    line: str, size: int | tuple[int, int], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        feature_maps(Layers.parse(line), size)


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("kk5", "k5"),
        ("q3", "k3"),
        ("K3", "k3"),
        ("3x3", "k3x3"),
        ("conv3", "k3"),
        ("c3x5", "k3x5"),
        ("k3-d2", "k3d2"),
        ("k3,s2", "k3s2"),
        ("3kd2", "k3d2"),
        ("pol2", "pool2"),
        ("pool3cei", "pool3ceil"),
        ("pool3ciel", "pool3ceil"),
        ("pooll2", "pool2"),
        ("maxpol2", "maxpool2"),
        ("upp2", "up2"),
        ("k3d", "k3"),
        ("k3×5", "k3x5"),
        ("up2bilinar", "up2bilinear"),
        ("k3z2", None),
        ("zzz", None),
        ("k", None),
        ("pool", None),
        ("k3z2d4", None),
        ("transposed3", None),
    ],
)
def test_a_slip_is_told_what_it_was_to_be_and_nothing_that_is_nonsense(slip: str, meant: str | None) -> None:
    hint = f"; did you mean '{meant}'?" if meant else ""
    with pytest.raises(
        ValueError,
        match=f"^{re.escape(f'layer 1: {slip!r} must be a layer, such as k3, k3s2p1d2, k3x5, pool2{hint}')}$",
    ):
        Layers.parse(slip)


def test_same_padding_at_a_stride_is_resolved_for_an_image() -> None:
    # 9 rows under 3 taps at stride 2 need 1 and 1, and 8 columns 0 and 1; of 5 and 4 under 4 taps, 3 and 2 are left over;
    # and 3 rows fill a window of 3, where 2 columns need one more.
    layers = Layers.parse("k3s2psame_upper (k4s2psame_lower | k1s2) maxpool3psame_upper", input_size=(9, 8))
    assert layers == (
        Conv(3, 2, ((1, 1), (0, 1))),
        Parallel(Conv(4, 2, ((2, 1), (1, 1))), Conv(1, 2)),
        Pool(3, padding=((0, 0), (0, 1))),
    )
    assert feature_maps(Layers.parse("k3s2psame_upper k5s3psame_lower", (20, 21)), (20, 21))[-1] == (4, 4)
    assert Layers.parse("c1: k4s2psame_upper", (1, 7)) == (Conv((1, 4), (1, 2), ((0, 0), (1, 2))),)
    assert Layers.parse("k3s2psame_upper k3", input_size=2) == (Conv(3, 2, ((0, 1), (0, 1))), Conv(3))


def test_padding_that_depends_on_a_map_that_vanishes_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"^layer 2, 'k3s2psame_upper': padding='same_upper' depends on the input's size"
    ):
        Layers.parse("k9 k3s2psame_upper", input_size=(5, 5))
