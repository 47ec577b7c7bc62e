"""What hypothesis draws: axes, and convolutions of small whole numbers whose extents and parameters differ by axis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import definition
import numpy as np
from arrays import Array
from family import Triple
from hypothesis import settings
from hypothesis import strategies as st

from refconv import conv1d, conv2d, conv3d
from refconv.geometry.axis import AxisGeometry

Pair = tuple[int, int]

# A law is an equation, so that the same examples do on every machine.
law = settings(derandomize=True, max_examples=60)
few = settings(law, max_examples=30)

FORWARD: dict[int, Callable[..., Array]] = {1: conv1d, 2: conv2d, 3: conv3d}


@st.composite
def axes(draw: st.DrawFn, mode: str = "zeros", stride: int | None = None, largest: int = 6) -> AxisGeometry:
    """Draw an axis that its kernel fits."""
    kernel, dilation = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    size = draw(st.integers(1, largest))
    most = {"zeros": 4, "replicate": 4, "reflect": size - 1, "circular": size}[mode]
    padding = draw(st.integers(0, min(4, most))), draw(st.integers(0, min(4, most)))
    missing = dilation * (kernel - 1) + 1 - (size + sum(padding))
    return AxisGeometry(size + max(0, missing), kernel, stride or draw(st.integers(1, 3)), dilation, padding)


@dataclass(frozen=True)
class Conv:
    """The arguments of one convolution, and random integers to fill more arrays with."""

    input: Array
    weight: Array
    bias: Array | None
    stride: tuple[int, ...]
    padding: tuple[Pair, ...]
    dilation: tuple[int, ...]
    groups: int
    padding_mode: str
    rng: np.random.Generator

    def __call__(self, **changes: Any) -> Array:
        arguments = {name: getattr(self, name) for name in ("input", "weight", "bias")} | self.parameters
        return FORWARD[self.input.ndim - 2](**{**arguments, **changes})

    @property
    def parameters(self) -> dict[str, Any]:
        """How it goes over the input."""
        return {name: getattr(self, name) for name in ("stride", "padding", "dilation", "groups", "padding_mode")}

    @cached_property
    def output(self) -> Array:
        """What comes out, without the bias."""
        return self(bias=None)

    def integers(self, shape: tuple[int, ...]) -> Array:
        """Random integers."""
        return self.rng.integers(-9, 10, shape)

    def like_output(self) -> Array:
        """Random integers of the output's shape: a gradient that arrives there."""
        return self.integers(self.output.shape)

    @property
    def padded(self) -> Array:
        """The input with its padding written out."""
        return definition.padded(self.input, self.padding, self.padding_mode)

    @property
    def triple(self) -> Triple:
        """The two arrays and an output."""
        return Triple.of(self.input, self.weight, self.rng, **self.parameters)


@st.composite
def convs(
    draw: st.DrawFn,
    rank: int = 2,
    *,
    mode: str | None = None,
    stride: int | None = None,
    depthwise: bool = False,
    groups: int = 0,
    largest: int = 6,
) -> Conv:
    """Draw the arguments of a convolution; `mode`, `stride`, `groups` and `depthwise` pin what a law needs."""
    padding_mode = mode or draw(st.sampled_from(sorted(definition.MODES)))
    found = [draw(axes(padding_mode, stride, largest)) for _ in range(rank)]
    groups = groups or draw(st.integers(1, 3))
    each_in = 1 if depthwise else draw(st.integers(1, 2))
    each_out = draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    sizes, kernels = (axis.input_size for axis in found), (axis.kernel_size for axis in found)
    return Conv(
        input=rng.integers(-9, 10, (draw(st.integers(0, 2)), groups * each_in, *sizes)),
        weight=rng.integers(-9, 10, (groups * each_out, each_in, *kernels)),
        bias=rng.integers(-9, 10, groups * each_out) if draw(st.booleans()) else None,
        stride=tuple(axis.stride for axis in found),
        padding=tuple(axis.padding for axis in found),
        dilation=tuple(axis.dilation for axis in found),
        groups=groups,
        padding_mode=padding_mode,
        rng=rng,
    )


def places(size: int) -> Iterator[slice]:
    """Yield all slices of so many places that are not empty."""
    return (slice(a, b) for a in range(size) for b in range(a + 1, size + 1))
