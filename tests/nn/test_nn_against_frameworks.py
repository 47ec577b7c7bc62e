"""The layers against PyTorch's, and the nearest pixel with corners aligned against TensorFlow's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refconv import nn

SIZES = [(1, 1), (3, 5), (7, 4), (13, 2), (9, 9), (5, 17)]


def image() -> Any:
    return np.random.default_rng(0).normal(size=(2, 3, 7, 9))


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch", reason="PyTorch is a second opinion, never a dependency")


def test_batch_norm_and_relu(torch: Any) -> None:
    rng = np.random.default_rng(1)
    mean, var, weight, bias = rng.normal(size=3), rng.uniform(0.5, 2, 3), rng.normal(size=3), rng.normal(size=3)
    tensors = map(torch.from_numpy, (image(), mean, var, weight, bias))
    desired = torch.nn.functional.batch_norm(*tensors, eps=1e-3)
    actual = nn.batch_norm(image(), mean, var, weight, bias, eps=1e-3)
    np.testing.assert_allclose(actual, desired.numpy(), rtol=1e-13, atol=1e-13)
    np.testing.assert_array_equal(nn.relu(image()), torch.relu(torch.from_numpy(image())).numpy())


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_adaptive_avg_pool2d(torch: Any, size: tuple[int, int]) -> None:
    desired = torch.nn.functional.adaptive_avg_pool2d(torch.from_numpy(image()), size).numpy()
    np.testing.assert_allclose(nn.adaptive_avg_pool2d(image(), size), desired, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_bilinear(torch: Any, size: tuple[int, int], align_corners: bool) -> None:
    x = torch.from_numpy(image())
    desired = torch.nn.functional.interpolate(x, size, mode="bilinear", align_corners=align_corners).numpy()
    actual = nn.interpolate(image(), size, "bilinear", align_corners=align_corners)
    np.testing.assert_allclose(actual, desired, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_nearest(torch: Any, size: tuple[int, int]) -> None:
    desired = torch.nn.functional.interpolate(torch.from_numpy(image()), size).numpy()
    np.testing.assert_array_equal(nn.interpolate(image(), size), desired)


def test_where_pytorch_differs(torch: Any) -> None:
    row = np.array([[[[1.0, 2.0, np.inf]]]])
    desired = torch.nn.functional.interpolate(torch.from_numpy(row), (1, 5), mode="bilinear", align_corners=True)
    np.testing.assert_array_equal(desired.numpy(), [[[[1, 1.5, np.nan, np.nan, np.nan]]]])
    actual = nn.interpolate(row, (1, 5), "bilinear", align_corners=True)
    np.testing.assert_array_equal(actual, [[[[1, 1.5, 2, np.inf, np.inf]]]])

    pixels = np.arange(14.0).reshape(1, 1, 1, 14)
    desired = torch.nn.functional.interpolate(torch.from_numpy(pixels), (1, 46)).numpy()
    actual = nn.interpolate(pixels, (1, 46))
    np.testing.assert_array_equal(actual[0, 0, 0], [p * 14 // 46 for p in range(46)])
    assert (actual != desired).sum() == 1


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_nearest_with_corners_aligned(size: tuple[int, int]) -> None:
    tensorflow = pytest.importorskip("tensorflow", reason="TensorFlow is a second opinion, never a dependency")
    x = image().transpose(0, 2, 3, 1)
    desired = tensorflow.compat.v1.image.resize_nearest_neighbor(x, size, align_corners=True).numpy()
    np.testing.assert_array_equal(nn.interpolate(image(), size, align_corners=True), desired.transpose(0, 3, 1, 2))
