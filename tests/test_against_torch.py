"""PyTorch as a second opinion: the same call here and there."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from refconv import col2im, conv2d, im2col
from refconv.core.products import pad
from refconv.geometry.build import plan_convolution

torch = pytest.importorskip("torch", reason="PyTorch is a second opinion, never a dependency")
torch.set_num_threads(1)  # so small are these arrays that threads only wait for each other

Array = npt.NDArray[Any]

# N, C, O, H, W and what belongs to each axis all differ.
PARAMETERS: list[dict[str, Any]] = [
    {},
    {"stride": 2},
    {"stride": (2, 3)},
    {"padding": 1},
    {"padding": (2, 1)},
    {"dilation": (2, 3)},
    {"groups": 2},
    {"groups": 6},
    {"stride": (1, 2), "padding": (3, 1), "dilation": (2, 1), "groups": 3},
    {"padding": (9, 20), "dilation": (5, 4)},
    {"padding": "valid", "stride": 3},
    {"padding": "same"},
    {"padding": "same", "dilation": (3, 2)},
]
KERNELS = [(1, 1), (3, 2), (2, 5), (4, 4)]


def tensor(array: Array) -> Any:
    return torch.from_numpy(array)


def random_arrays(kernel: tuple[int, int], groups: int) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(2, 6, 11, 13)), rng.normal(size=(12, 6 // groups, *kernel)), rng.normal(size=12)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")
@pytest.mark.parametrize("kernel", KERNELS, ids=str)
@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
@pytest.mark.parametrize("method", ["im2col", "einsum", "direct"])
def test_conv2d(method: str, parameters: dict[str, Any], kernel: tuple[int, int]) -> None:
    x, w, b = random_arrays(kernel, parameters.get("groups", 1))
    if method == "direct":
        x = x[:1, :, :9]  # loops: keep them short
    desired = torch.nn.functional.conv2d(tensor(x), tensor(w), tensor(b), **parameters).numpy()
    actual = conv2d(x, w, b, method=method, **parameters)
    # Two sums of n products in float64, each within n·2^-53·Σ|x||w| of the truth.
    n = w[0].size + 1
    magnitudes = torch.nn.functional.conv2d(tensor(abs(x)), tensor(abs(w)), tensor(abs(b)), **parameters).numpy()
    assert actual.shape == desired.shape
    assert (abs(actual - desired) <= n * 2**-52 * magnitudes).all()


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("padding", [((1, 0), (2, 3)), ((4, 4), (6, 5)), ((0, 2), (0, 0)), ((0, 0), (7, 0))], ids=str)
def test_padding_modes(mode: str, padding: tuple[tuple[int, int], tuple[int, int]]) -> None:
    rng = np.random.default_rng(0)
    x, w = rng.integers(-9, 10, (2, 3, 5, 8)).astype(float), rng.integers(-9, 10, (4, 3, 2, 3)).astype(float)
    name = "constant" if mode == "zeros" else mode
    padded = torch.nn.functional.pad(tensor(x), (*padding[1], *padding[0]), mode=name)

    plan = plan_convolution(x.shape, w.shape, padding=padding, padding_mode=mode)
    np.testing.assert_array_equal(pad(x, plan), padded.numpy())
    desired = torch.nn.functional.conv2d(padded, tensor(w)).numpy()
    np.testing.assert_array_equal(conv2d(x, w, padding=padding, padding_mode=mode), desired)


@pytest.mark.parametrize(
    ("mode", "padding", "accepted"),
    [
        ("reflect", (4, 6), True),
        ("reflect", (5, 6), False),
        ("reflect", (4, 7), False),
        ("circular", (5, 7), True),
        ("circular", (6, 7), False),
        ("circular", (5, 8), False),
        ("replicate", (20, 30), True),
    ],
)
def test_the_limits_of_padding_modes(mode: str, padding: tuple[int, int], accepted: bool) -> None:
    x = np.ones((1, 1, 5, 7))
    layer = torch.nn.Conv2d(1, 1, 1, padding=padding, padding_mode=mode, dtype=torch.float64)
    if accepted:
        assert layer(tensor(x)).shape == conv2d(x, np.ones((1, 1, 1, 1)), padding=padding, padding_mode=mode).shape
        return
    with pytest.raises(RuntimeError):
        layer(tensor(x))
    with pytest.raises(ValueError, match=f"padding_mode={mode!r}"):
        conv2d(x, np.ones((1, 1, 1, 1)), padding=padding, padding_mode=mode)


UNFOLD: list[dict[str, Any]] = [
    {"kernel_size": 2},
    {"kernel_size": (2, 3)},
    {"kernel_size": (2, 3), "dilation": (3, 2), "padding": (1, 2), "stride": (2, 1)},
    {"kernel_size": (1, 4), "dilation": 2, "padding": 3, "stride": 3},
]


@pytest.mark.parametrize("parameters", UNFOLD, ids=str)
@pytest.mark.parametrize("shape", [(2, 3, 7, 9), (3, 7, 9), (0, 3, 7, 9)], ids=str)
def test_im2col_is_unfold_and_col2im_is_fold(parameters: dict[str, Any], shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(-9, 10, shape).astype(float)
    columns = torch.nn.functional.unfold(tensor(x), **parameters)
    np.testing.assert_array_equal(im2col(x, **parameters), columns.numpy())

    y = rng.integers(-9, 10, columns.shape).astype(float)
    image = torch.nn.functional.fold(tensor(y), (7, 9), **parameters)
    np.testing.assert_array_equal(col2im(y, (7, 9), **parameters), image.numpy())


def test_the_positional_arguments_are_those_of_torch() -> None:
    x, w, b = random_arrays((3, 2), 2)
    arguments = (2, 3), (1, 2), (2, 1), 2
    desired = torch.nn.functional.conv2d(tensor(x), tensor(w), tensor(b), *arguments).numpy()
    np.testing.assert_allclose(conv2d(x, w, b, *arguments), desired, rtol=1e-12, atol=1e-12)


def test_a_tensor_is_taken_as_it_is_and_one_that_needs_a_gradient_is_refused() -> None:
    x = torch.ones((1, 1, 3, 4))
    assert conv2d(x, torch.ones((1, 1, 3, 4))).item() == 12
    with pytest.raises(TypeError, match=r"^input cannot be read as an array: .*requires grad"):
        conv2d(x.requires_grad_(), torch.ones((1, 1, 3, 4)))
