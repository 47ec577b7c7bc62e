"""The layers of a network, as data: kernel, stride, padding and dilation per axis, and nothing else.

Channels, weights and activations do not change what an output can see, so they have no place here.  A layer answers
two questions about each axis: which inputs does an output read (its `LayerMap`), and how many outputs are there?
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from refconv.analysis.axis_map import LayerMap, window
from refconv.analysis.symbols import PadLike, SizeLike, as_pad_sizes, as_size_pair, is_symbolic
from refconv.geometry.arguments import Padding, Pair
from refconv.geometry.build import build_axis

__all__ = ["Conv", "Layer", "Pool"]

AXES = ("height", "width")


@dataclass(frozen=True, repr=False)
class Layer(ABC):
    """One layer of a network: it reads one feature map and gives another.

    Examples
    --------
    >>> layer: Layer = Conv(3, stride=2, padding=1)
    >>> layer.axis_map(0).reads(4), layer.output_size(0, 9), layer.along(1)
    ([7, 8, 9], 5, 'Conv(3, stride=2, padding=1)')
    """

    @abstractmethod
    def axis_map(self, axis: int) -> LayerMap:
        """Return which inputs each output reads along the height (axis 0) or the width (axis 1)."""

    @abstractmethod
    def output_size(self, axis: int, input_size: int) -> int:
        """Return the size of the output along one axis; a ValueError where the feature map vanishes."""

    def defaults(self) -> dict[str, object]:
        """Return the values that `repr` leaves out."""
        return {"stride": 1, "padding": 0, "output_padding": 0, "dilation": 1, "mode": "nearest", "ceil_mode": False}

    def __repr__(self) -> str:
        return described(type(self).__name__, vars(self), self.defaults())

    def along(self, axis: int) -> str:
        """Return the same about one axis alone, as for a layer of a sequence."""
        numbers = {name: (value[axis],) if isinstance(value, tuple) else value for name, value in vars(self).items()}
        return described(type(self).__name__, numbers, self.defaults())

    def _set(self, **values: object) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)


def described(kind: str, numbers: Mapping[str, Any], defaults: Mapping[str, object]) -> str:
    """Return a layer as it is written in Python, without what is as usual: ``Conv(3, stride=2)``."""
    values = {name: _in_short(value) for name, value in numbers.items()}
    usual = {name: _in_short(value) for name, value in defaults.items()}
    (_, size), *others = values.items()
    shown = [f"{name}={value!r}" for name, value in others if value != usual[name]]
    return f"{kind}({', '.join([repr(size), *shown])})"


def _in_short(value: Any) -> Any:
    """Return one number for equal ones, inside and out: ``((1, 1), (2, 2))`` becomes ``(1, 2)``."""
    if not isinstance(value, tuple):
        return value
    short = tuple(map(_in_short, value))
    if len(set(short)) == 1 and (len(short) == 1 or not isinstance(short[0], tuple)):
        return short[0]
    return value if len({isinstance(each, tuple) for each in short}) > 1 else short


@dataclass(frozen=True, repr=False, init=False)
class _Window(Layer):
    """A kernel that slides over the feature map: output p reads ``S·p + D·k − T``."""

    kernel_size: Pair
    stride: Pair
    padding: Padding
    dilation: Pair

    def __init__(
        self, kernel_size: SizeLike, stride: SizeLike = 1, padding: PadLike = 0, dilation: SizeLike = 1
    ) -> None:
        kernel, steps = as_size_pair("kernel_size", kernel_size, minimum=1), as_size_pair("stride", stride, minimum=1)
        rates = as_size_pair("dilation", dilation, minimum=1)
        sides = as_pad_sizes(padding)
        if isinstance(sides, str):
            sides = _sides_from_string(sides, kernel, steps, rates)
        self._set(kernel_size=kernel, stride=steps, padding=sides, dilation=rates)

    def axis_map(self, axis: int) -> LayerMap:
        """Return the map with one phase, which moves one stride from output to output."""
        return window(self.kernel_size[axis], self.stride[axis], self.dilation[axis], self.padding[axis][0])

    def output_size(self, axis: int, input_size: int) -> int:
        """Return ``floor((H + T + B − D·(K − 1) − 1) / S) + 1``."""
        sides = (self.kernel_size[axis], self.stride[axis], self.dilation[axis], self.padding[axis])
        return build_axis(AXES[axis], input_size, *sides, padding_mode="zeros").output_size


def _sides_from_string(padding: str, kernel_size: Pair, stride: Pair, dilation: Pair) -> Padding:
    """Resolve ``"valid"`` and, at stride 1, the SAME dialects; at other strides SAME depends on the input's size."""
    if padding != "valid" and stride != (1, 1):
        raise ValueError(
            f"padding={padding!r} depends on the input's size at stride {stride}; write ((top, bottom), (left, right))"
        )
    if is_symbolic([kernel_size, dilation]) and padding != "valid":
        raise ValueError(f"padding={padding!r} needs numbers for kernel_size {kernel_size} and dilation {dilation}")
    if padding == "valid":
        return (0, 0), (0, 0)
    return tuple(  # type: ignore[return-value]  # two axes
        build_axis(name, rate * (kernel - 1) + 1, kernel, 1, rate, padding, padding_mode="zeros").padding
        for name, kernel, rate in zip(AXES, kernel_size, dilation, strict=True)
    )


@dataclass(frozen=True, repr=False, init=False)
class Conv(_Window):
    """A convolution: output p reads, through tap k, the input ``S·p + D·k − T``.

    Parameters
    ----------
    kernel_size, stride, dilation : int or pair of int
        K, S and D; a pair is (height, width).  SymPy expressions are taken, too, here and for the padding.
    padding : int, pair, pair of pairs or str
        On all sides, (height, width), ``((top, bottom), (left, right))``, ``"valid"``, or at stride 1 ``"same"``,
        ``"same_upper"`` or ``"same_lower"``, as in `refconv.conv2d`.

    Raises
    ------
    TypeError, ValueError
        If a number is not an int, a kernel size, stride or dilation is below 1, a padding is negative, or a SAME
        padding has a stride.

    Examples
    --------
    >>> Conv(3, padding=2, dilation=2)
    Conv(3, padding=2, dilation=2)
    >>> Conv((3, 5), stride=(2, 2), padding="same_upper")
    Traceback (most recent call last):
    ValueError: padding='same_upper' depends on the input's size at stride (2, 2); write ((top, bottom), (left, right))
    >>> Conv((3, 4), padding="same").padding
    ((1, 1), (1, 2))
    """


@dataclass(frozen=True, repr=False, init=False)
class Pool(_Window):
    """A maximum or average pooling: it reads what a convolution of the same numbers reads.

    Parameters
    ----------
    kernel_size, padding, dilation
        As for `Conv`.
    stride : int or pair of int, optional
        S; the kernel size where it is not given, as in `torch.nn.MaxPool2d`.
    ceil_mode : bool
        Whether the output size is rounded up, for a last window that reaches past the padding.

    Raises
    ------
    TypeError, ValueError
        As for `Conv`.

    Examples
    --------
    >>> Pool(2), Pool(3, stride=2, ceil_mode=True)
    (Pool(2), Pool(3, stride=2, ceil_mode=True))
    >>> Pool(3, stride=2).output_size(0, 8), Pool(3, stride=2, ceil_mode=True).output_size(0, 8)
    (3, 4)
    """

    ceil_mode: bool

    def __init__(
        self,
        kernel_size: SizeLike,
        stride: SizeLike | None = None,
        padding: PadLike = 0,
        dilation: SizeLike = 1,
        *,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__(kernel_size, kernel_size if stride is None else stride, padding, dilation)
        self._set(ceil_mode=bool(ceil_mode))

    def defaults(self) -> dict[str, object]:
        """Return the values that `repr` leaves out: the stride is the kernel size."""
        return super().defaults() | {"stride": _in_short(self.kernel_size)}

    def output_size(self, axis: int, input_size: int) -> int:
        """Round up in `ceil_mode`, but leave out windows that would start behind the input, as PyTorch and ONNX do."""
        if not self.ceil_mode:
            return super().output_size(axis, input_size)
        before, after = self.padding[axis]
        stride = self.stride[axis]
        wider = (before, after + stride - 1)
        size = build_axis(AXES[axis], input_size, self.kernel_size[axis], stride, self.dilation[axis], wider, "zeros")
        starts = -(-(input_size + before) // stride)
        return min(size.output_size, starts)
