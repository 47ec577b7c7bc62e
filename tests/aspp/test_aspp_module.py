"""ASPP by hand, in exact fractions, and against the same module built in PyTorch."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from refusals import naming

from refconv.aspp import aspp, aspp_branches, parameter_shapes

Array = np.ndarray[Any, np.dtype[Any]]


def random_parameters(in_channels: int, depth: int, rates: tuple[int, ...], variant: str) -> dict[str, Array]:
    """Return weights that keep the size of what they are fed, and variances that are positive."""
    rng = np.random.default_rng(0)

    def draw(name: str, shape: tuple[int, ...]) -> Array:
        if name.endswith("running_var"):
            return rng.uniform(0.5, 2, shape)
        return rng.normal(0, np.prod(shape[1:]) ** -0.5, shape)

    return {
        name: draw(name, shape) for name, shape in parameter_shapes(in_channels, depth, rates, variant=variant).items()
    }


# One channel in and out: the branches are 2x + 1, the row's left minus right neighbour + 3, and the mean times 4, + 5.
KERNEL = np.array([[0, 0, 0], [1, 0, -1], [0, 0, 0]])
SIMPLE: dict[str, Any] = {
    "convs.0.0.weight": [[[[2]]]],
    "convs.0.0.bias": [1],
    "convs.1.0.weight": [[KERNEL]],
    "convs.1.0.bias": [3],
    "convs.2.1.weight": [[[[4]]]],
    "convs.2.1.bias": [5],
    "project.0.weight": [[[[1]], [[10]], [[100]]]],
    "project.0.bias": [1000],
}
ROW = np.array([[[1.0, 2.0, 4.0, 9.0]]])  # its mean is 4


@pytest.mark.parametrize(("rate", "difference"), [(1, [-2, -3, -7, 4]), (2, [-4, -9, 1, 2]), (4, [0, 0, 0, 0])])
def test_the_simple_variant_by_hand(rate: int, difference: list[int]) -> None:
    branches = aspp_branches(ROW, SIMPLE, [rate], variant="simple")
    desired = [[3, 5, 9, 19], [3 + d for d in difference], [21, 21, 21, 21]]
    assert list(branches) == ["convs.0", "convs.1", "convs.2"]
    for branch, row in zip(branches.values(), desired, strict=True):
        np.testing.assert_array_equal(branch, [[row]])
    projected = [a + 10 * b + 100 * c + 1000 for a, b, c in zip(*desired, strict=True)]
    np.testing.assert_array_equal(aspp(ROW, SIMPLE, [rate], variant="simple"), [[projected]])


def test_deeplabv3_by_hand() -> None:
    def norm(name: str, mean: float, weight: float, bias: float) -> dict[str, Any]:
        return {
            f"{name}.running_mean": [mean],
            f"{name}.running_var": [3],
            f"{name}.weight": [weight],
            f"{name}.bias": [bias],
        }

    weights = {name: value for name, value in SIMPLE.items() if name.endswith("weight")}
    parameters = (
        weights
        | norm("convs.0.1", 4, 2, 1)  # (2x − 4)/2·2 + 1 = 2x − 3
        | norm("convs.1.1", 0, 4, 6)  # 2d + 6
        | norm("convs.2.2", 20, 6, 5)  # (16 − 20)/2·6 + 5 < 0
        | norm("project.1", 40, 2, 0)  # y − 40
    )
    branches = aspp_branches(ROW, parameters, [1], eps=1)
    np.testing.assert_array_equal(branches["convs.0"], [[[0, 1, 5, 15]]])
    np.testing.assert_array_equal(branches["convs.1"], [[[2, 0, 0, 14]]])  # differences −2, −3, −7, 4
    np.testing.assert_array_equal(branches["convs.2"], [[[0, 0, 0, 0]]])
    np.testing.assert_array_equal(aspp(ROW, parameters, [1], eps=1), [[[0, 0, 0, 115]]])


def test_the_default_eps_is_batch_norm_s() -> None:
    shapes = parameter_shapes(1, 1, [])
    parameters = {name: np.full(shape, float(name.endswith("weight"))) for name, shape in shapes.items()}
    (unit,) = aspp_branches(np.ones((1, 1, 1)), parameters, [])["convs.0"].ravel()
    assert unit == 1 / np.sqrt(1e-5)  # the variance is 0
    assert aspp(np.ones((1, 1, 1)), parameters, []).item() == 2 * unit / np.sqrt(1e-5)


def test_the_simple_variant_is_exact_in_fractions() -> None:
    row = np.array([[[Fraction(1, 3), Fraction(1, 7)]]])
    actual = aspp(row, SIMPLE, [1], variant="simple")
    mean = Fraction(5, 21)
    assert actual.tolist() == [
        [
            [
                2 * Fraction(1, 3) + 1 + 10 * (3 - Fraction(1, 7)) + 100 * (4 * mean + 5) + 1000,
                2 * Fraction(1, 7) + 1 + 10 * (3 + Fraction(1, 3)) + 100 * (4 * mean + 5) + 1000,
            ]
        ]
    ]


def test_without_rates_two_branches_are_left() -> None:
    parameters = {name: value for name, value in SIMPLE.items() if not name.startswith("convs")}
    parameters |= {
        name.replace("convs.2", "convs.1"): SIMPLE[name] for name in SIMPLE if re.match(r"convs\.[02]", name)
    }
    parameters["project.0.weight"] = [[[[1]], [[100]]]]
    np.testing.assert_array_equal(aspp(ROW, parameters, [], variant="simple"), [[[3103, 3105, 3109, 3119]]])


def test_an_image_without_a_batch_is_the_same_image() -> None:
    parameters = random_parameters(3, 4, (1, 2), "deeplabv3")
    image = np.random.default_rng(1).normal(size=(2, 3, 5, 4))
    batch = aspp(image, parameters, (1, 2))
    assert batch.shape == (2, 4, 5, 4)
    np.testing.assert_allclose(aspp(image[1], parameters, (1, 2)), batch[1], rtol=1e-13)
    assert aspp(image[:0], parameters, (1, 2)).shape == (0, 4, 5, 4)


def test_it_is_computed_wide_and_rounded_once() -> None:
    parameters = random_parameters(3, 4, (1, 2), "deeplabv3")
    image = np.random.default_rng(1).normal(size=(3, 5, 4)).astype(np.float32)
    assert aspp(image, parameters, (1, 2)).dtype == np.float64

    narrow = {name: array.astype(np.float32) for name, array in parameters.items()}
    wide = {name: array.astype(np.float64) for name, array in narrow.items()}
    for function in (aspp, lambda *arguments: aspp_branches(*arguments)["convs.1"]):
        actual, truth = function(image, narrow, (1, 2)), function(image.astype(np.float64), wide, (1, 2))
        assert actual.dtype == np.float32
        np.testing.assert_array_equal(actual, truth.astype(np.float32))


def test_integers_and_what_is_no_image_are_refused() -> None:
    with pytest.raises(TypeError, match=r"^input has dtype int64; it must be a floating type \(input \(1, 1, 4\)\)$"):
        aspp(ROW.astype(int), SIMPLE, [1], variant="simple")
    with pytest.raises(ValueError, match=naming("input height 0 … 1 (input (1, 0, 4))")):
        aspp(ROW[:, :0], SIMPLE, [1], variant="simple")
    with pytest.raises(TypeError, match=r"^rates=1 must be a sequence of ints$"):
        aspp(ROW, SIMPLE, 1, variant="simple")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^eps=-1 must be finite and at least 0$"):
        aspp(ROW, random_parameters(1, 2, (1,), "deeplabv3"), [1], eps=-1)


def torch_aspp(in_channels: int, depth: int, rates: tuple[int, ...], variant: str) -> Any:
    """Return the module as torchvision builds it, by its description: the names of its state dict are the test's."""
    torch = pytest.importorskip("torch", reason="PyTorch is a second opinion, never a dependency")
    nn: Any = torch.nn
    simple = variant == "simple"

    def behind() -> list[Any]:
        return [] if simple else [nn.BatchNorm2d(depth), nn.ReLU()]

    class Pooling(nn.Sequential):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            return nn.functional.interpolate(super().forward(x), x.shape[-2:], mode="bilinear", align_corners=False)

    class Aspp(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.convs = nn.ModuleList([nn.Sequential(nn.Conv2d(in_channels, depth, 1, bias=simple), *behind())])
            for rate in rates:
                conv = nn.Conv2d(in_channels, depth, 3, padding=rate, dilation=rate, bias=simple)
                self.convs.append(nn.Sequential(conv, *behind()))
            conv = nn.Conv2d(in_channels, depth, 1, bias=simple)
            self.convs.append(Pooling(nn.AdaptiveAvgPool2d(1), conv, *behind()))
            conv = nn.Conv2d(len(self.convs) * depth, depth, 1, bias=simple)
            self.project = nn.Sequential(conv, *behind(), *([] if simple else [nn.Dropout(0.5)]))

        def forward(self, x: Any) -> Any:
            return self.project(torch.cat([conv(x) for conv in self.convs], dim=1))

    return Aspp().double().eval()


@pytest.mark.parametrize(
    ("variant", "in_channels", "depth", "rates", "shape"),
    [
        ("deeplabv3", 256, 512, (6, 12, 18), (2, 256, 13, 13)),
        ("simple", 512, 256, (6, 12, 18), (2, 512, 13, 13)),
        ("deeplabv3", 5, 3, (12, 24, 36), (1, 5, 9, 17)),
        ("simple", 3, 7, (1, 2, 5, 4), (3, 3, 8, 5)),
    ],
)
def test_against_torch(
    variant: str, in_channels: int, depth: int, rates: tuple[int, ...], shape: tuple[int, ...]
) -> None:
    module = torch_aspp(in_channels, depth, rates, variant)
    torch = pytest.importorskip("torch")
    parameters = random_parameters(in_channels, depth, rates, variant)
    state = {name: torch.from_numpy(array) for name, array in parameters.items()}
    keys = module.load_state_dict(state, strict=False)
    assert not keys.unexpected_keys
    assert all(name.endswith("num_batches_tracked") for name in keys.missing_keys)

    image = np.random.default_rng(1).normal(size=shape)
    with torch.no_grad():
        x = torch.from_numpy(image)
        desired = module(x).numpy()
        branches = [conv(x).numpy() for conv in module.convs]
    actual = aspp(image, module.state_dict(), rates, variant=variant)
    assert actual.shape == (shape[0], depth, *shape[2:])
    np.testing.assert_allclose(actual, desired, rtol=1e-12, atol=1e-12)
    for ours, theirs in zip(aspp_branches(image, parameters, rates, variant=variant).values(), branches, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)
