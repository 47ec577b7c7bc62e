"""Run a network of all-ones kernels on integers, with conv2d: the second opinion on what its outputs read."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import refconv
from refconv.analysis import Conv, ConvTranspose, Layer, Layers, Parallel, Pool, Upsample

Image = NDArray[Any]


def paths_from_every_pixel(network: Layers, size: tuple[int, int]) -> Image:
    """Return [pixel row, pixel column, output row, output column]: run the network on every image with one 1 in it."""
    height, width = size
    images = np.eye(height * width, dtype=np.int64).reshape(height * width, 1, height, width)
    outputs = run(network, images)
    return outputs.reshape(height, width, *outputs.shape[2:])


def run(network: Sequence[Layer | Parallel], images: Image) -> Image:
    for layer in network:
        if isinstance(layer, Parallel):
            images = np.sum([run(branch, images) for branch in layer.branches], axis=0)
        elif isinstance(layer, Conv | Pool):
            images = windows(layer, images)
        elif isinstance(layer, ConvTranspose):
            images = transposed(layer, images)
        else:
            assert isinstance(layer, Upsample)
            images = upsampled(layer, images)
    return images


def windows(layer: Conv | Pool, images: Image) -> Image:
    ones = np.ones((1, 1, *layer.kernel_size), dtype=np.int64)
    padding = layer.padding
    if isinstance(layer, Pool) and layer.ceil_mode:
        padding = ceiled(layer, images.shape[2:])
    return refconv.conv2d(images, ones, None, layer.stride, padding, layer.dilation)


def ceiled(layer: Pool, size: tuple[int, ...]) -> Any:
    """Return padding in which the last window fits if it starts on the image or before it: PyTorch's ceil_mode."""
    sides = []
    for axis, (before, after) in enumerate(layer.padding):
        reach = layer.dilation[axis] * (layer.kernel_size[axis] - 1) + 1
        starts = range(-before, size[axis], layer.stride[axis])
        rounded = -((reach - before - size[axis] - after) // layer.stride[axis]) + 1
        last = starts[min(len(starts), rounded) - 1]
        sides.append((before, max(last + reach - size[axis], 0)))
    return sides


def transposed(layer: ConvTranspose, images: Image) -> Image:
    """Put stride - 1 zeros between the pixels, convolve in full, and crop or extend: the definition by zeros."""
    (s_h, s_w), (d_h, d_w), (k_h, k_w) = layer.stride, layer.dilation, layer.kernel_size
    n, _, height, width = images.shape
    spread = np.zeros((n, 1, (height - 1) * s_h + 1, (width - 1) * s_w + 1), dtype=np.int64)
    spread[:, :, ::s_h, ::s_w] = images
    full = ((d_h * (k_h - 1),) * 2, (d_w * (k_w - 1),) * 2)
    whole = refconv.conv2d(spread, np.ones((1, 1, k_h, k_w), dtype=np.int64), padding=full, dilation=layer.dilation)
    extra_h, extra_w = layer.output_padding
    whole = np.pad(whole, ((0, 0), (0, 0), (0, extra_h), (0, extra_w)))
    (top, bottom), (left, right) = layer.padding
    return whole[:, :, top : whole.shape[2] - bottom, left : whole.shape[3] - right]


def upsampled(layer: Upsample, images: Image) -> Image:
    for axis in (0, 1):
        matrix = upsampling_matrix(images.shape[2 + axis], layer.scale[axis], layer.mode)
        images = np.moveaxis(np.tensordot(images, matrix, (2 + axis, 1)), -1, 2 + axis)
    return images


def upsampling_matrix(size: int, scale: int, mode: str) -> Image:
    """Return which pixels (columns) have a weight in which outputs (rows): PyTorch's rule, in floating point."""
    matrix = np.zeros((size * scale, size), dtype=np.int64)
    for output in range(size * scale):
        place = output // scale if mode == "nearest" else max((output + 0.5) / scale - 0.5, 0.0)
        below = int(place)
        matrix[output, below] = 1
        if place > below and below + 1 < size:
            matrix[output, below + 1] = 1
    return matrix


def random_network(rng: random.Random, layers: int, *, depth: int = 1) -> Layers:
    return Layers([random_layer(rng, depth) for _ in range(layers)])


def random_layer(rng: random.Random, depth: int) -> Layer | Parallel:
    kind = rng.choice(["conv", "conv", "conv", "pool", "transposed", "upsample"] + ["parallel"] * depth)
    kernel = rng.randint(1, 4), rng.randint(1, 4)
    stride = rng.choice([1, 1, 2, 3]), rng.choice([1, 1, 2, 3])
    dilation = rng.randint(1, 3), rng.randint(1, 3)
    padding = (rng.randint(0, 3), rng.randint(0, 3)), (rng.randint(0, 3), rng.randint(0, 3))
    if kind == "conv":
        return Conv(kernel, stride, padding, dilation)
    if kind == "pool":
        return Pool(kernel, stride, padding, dilation, ceil_mode=rng.random() < 0.5)
    if kind == "transposed":
        extra = tuple(rng.randrange(max(stride[axis], dilation[axis])) for axis in (0, 1))
        crop = (rng.randint(0, 1), rng.randint(0, 1)), (rng.randint(0, 1), rng.randint(0, 1))
        return ConvTranspose(kernel, stride, crop, extra, dilation)
    if kind == "upsample":
        return Upsample((rng.randint(1, 3), rng.randint(1, 3)), rng.choice(["nearest", "bilinear"]))
    return Parallel([], *(same_size_branch(rng) for _ in range(rng.randint(1, 2))))


def same_size_branch(rng: random.Random) -> list[Conv]:
    """Return convolutions that keep the size: their padding is d·(k − 1), split at random."""
    branch = []
    for _ in range(rng.randint(1, 2)):
        kernel, dilation = (rng.randint(1, 3), rng.randint(1, 3)), (rng.randint(1, 3), rng.randint(1, 3))
        total = [dilation[axis] * (kernel[axis] - 1) for axis in (0, 1)]
        before = [rng.randint(0, amount) for amount in total]
        branch.append(Conv(kernel, 1, [(b, t - b) for b, t in zip(before, total, strict=True)], dilation))
    return branch
