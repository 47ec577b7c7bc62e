"""One axis of a convolution: output p reads, through tap k, the input pixel ``h = S·p + D·k − T``.

That line is the whole of a convolution's indexing.  A pixel is real if 0 <= h < H, and padding otherwise.
`AxisGeometry` is the line and what follows from it; the SAME conventions choose its T, and the padding modes say what
stands in the padding.  Heights and widths differ in nothing, so every formula is written once, here, with the letters
of the height.

Source: Dumoulin & Visin, "A guide to convolution arithmetic for deep learning" (2016); the operator specifications
of PyTorch's conv2d, ONNX's Conv and TensorFlow's conv2d.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from refconv.geometry.arguments import LARGEST_INT, Pair, check_choice

__all__ = ["AxisGeometry"]

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")
SAME_CONVENTIONS = ("pytorch", "tensorflow", "onnx_upper", "onnx_lower")
_STRING_CONVENTIONS = {"same": "pytorch", "same_upper": "onnx_upper", "same_lower": "onnx_lower"}


@dataclass(frozen=True, slots=True)
class AxisGeometry:
    """One spatial axis of a convolution: ``h = S·p + D·k − T``.

    Parameters
    ----------
    input_size : int
        H, the pixels along this axis.
    kernel_size : int
        K, the taps along this axis.
    stride, dilation : int
        S and D.
    padding : tuple of int
        ``(before, after)``: (T, B) along the height, (L, R) along the width.

    Examples
    --------
    >>> axis = AxisGeometry(input_size=7, kernel_size=3, stride=2, dilation=2, padding=(1, 0))
    >>> axis.output_size
    2
    >>> [[axis.input_index(p, k) for k in range(3)] for p in range(2)]
    [[-1, 1, 3], [1, 3, 5]]
    >>> axis.valid_outputs(0), axis.valid_tap_counts
    (range(1, 2), [2, 3])
    """

    input_size: int
    kernel_size: int
    stride: int = 1
    dilation: int = 1
    padding: Pair = (0, 0)

    @property
    def effective_kernel_size(self) -> int:
        """``D·(K − 1) + 1``: the pixels from the first tap to the last, both counted."""
        return self.dilation * (self.kernel_size - 1) + 1

    @property
    def padded_size(self) -> int:
        """``H + T + B``."""
        return self.input_size + sum(self.padding)

    @property
    def output_size(self) -> int:
        """``floor((H + T + B − (D·(K − 1) + 1)) / S) + 1``."""
        return (self.padded_size - self.effective_kernel_size) // self.stride + 1

    @property
    def interior(self) -> slice:
        """Where the input's own pixels lie along the padded axis: ``T ... T + H``."""
        return slice(self.padding[0], self.padding[0] + self.input_size)

    def input_index(self, output: int, tap: int) -> int:
        """``S·p + D·k − T``: negative, or H and above, in the padding."""
        return self.stride * output + self.dilation * tap - self.padding[0]

    def valid_outputs(self, tap: int) -> range:
        """Return the outputs p for which ``0 <= S·p + D·k − T < H``: those that read a real pixel through this tap."""
        offset = self.input_index(0, tap)
        first = max(0, -(offset // self.stride))  # the least p with S·p >= −offset
        stop = min(self.output_size, (self.input_size - 1 - offset) // self.stride + 1)
        return range(first, max(first, stop))

    @property
    def valid_tap_counts(self) -> list[int]:
        """For every output, the number of taps that read a real pixel."""
        counts = [0] * self.output_size
        for tap in range(self.kernel_size):
            for output in self.valid_outputs(tap):
                counts[output] += 1
        return counts

    def source_index(self, index: int, padding_mode: str) -> int | None:
        """Return the pixel whose value stands at `index`, which may be in the padding; None where a zero stands there.

        ``reflect`` mirrors about the first and the last pixel, ``replicate`` repeats them, ``circular`` wraps round.
        """
        if 0 <= index < self.input_size:
            return index
        last = self.input_size - 1
        if padding_mode == "reflect":
            return -index if index < 0 else 2 * last - index
        if padding_mode == "replicate":
            return 0 if index < 0 else last
        if padding_mode == "circular":
            return index % self.input_size
        return None

    def readers(self, outputs: int, padding_mode: str) -> list[list[list[int]]]:
        """``[k][h]``: which of the first `outputs` outputs read pixel h through tap k, as itself or in the padding."""
        found: list[list[list[int]]] = [[[] for _ in range(self.input_size)] for _ in range(self.kernel_size)]
        for tap, output in product(range(self.kernel_size), range(outputs)):
            pixel = self.source_index(self.input_index(output, tap), padding_mode)
            if pixel is not None:
                found[tap][pixel].append(output)
        return found


def same_sides(input_size: int, kernel_size: int, stride: int, dilation: int, convention: str) -> Pair:
    """Return one axis' (before, after) under a SAME convention: the formula and the table are in `same_padding`."""
    check_choice("convention", convention, SAME_CONVENTIONS)
    if convention == "pytorch" and stride != 1:
        raise ValueError(f"stride={stride} must be 1 for padding='same', which is PyTorch's rule")
    output = -(-input_size // stride)
    total = max(0, (output - 1) * stride + dilation * (kernel_size - 1) + 1 - input_size)
    smaller, larger = total // 2, total - total // 2
    return (larger, smaller) if convention == "onnx_lower" else (smaller, larger)


def build_axis(
    name: str, input_size: int, kernel_size: int, stride: int, dilation: int, padding: Pair | str, padding_mode: str
) -> AxisGeometry:
    """Resolve a padding given as a string, and refuse an axis that cannot be; `name` is for the messages."""
    if padding == "valid":
        sides = (0, 0)
    elif isinstance(padding, str):
        sides = same_sides(input_size, kernel_size, stride, dilation, _STRING_CONVENTIONS[padding])
    else:
        sides = padding
    axis = AxisGeometry(input_size, kernel_size, stride, dilation, sides)
    _check_fit(name, axis)
    _check_padding_mode(name, axis, padding_mode)
    return axis


def build_transposed_axis(
    name: str, output_size: int, kernel_size: int, stride: int, dilation: int, padding: Pair, output_padding: int
) -> AxisGeometry:
    """Return the axis of the convolution whose adjoint takes P pixels: ``H = S·(P − 1) + D·(K − 1) + 1 + E − T − B``.

    E, the output padding, chooses among the S heights that a convolution of stride S takes to the same P.  Where D is
    above S, PyTorch lets it be larger still: then the axis has more than P outputs, and only the first P are meant.
    """
    if output_padding >= max(stride, dilation):
        raise ValueError(
            f"output_padding={output_padding} must be smaller than the stride {stride} or the dilation {dilation} "
            f"along the {name}"
        )
    if output_size < 1:
        raise ValueError(f"input {name} {output_size} must be at least 1")
    reach = stride * (output_size - 1) + dilation * (kernel_size - 1) + 1
    input_size = reach + output_padding - sum(padding)
    if input_size < 1:
        raise ValueError(
            f"output {name} {reach} + {output_padding} - {padding[0]} - {padding[1]} = {input_size} must be at least 1"
        )
    return AxisGeometry(input_size, kernel_size, stride, dilation, padding)


def _check_fit(name: str, axis: AxisGeometry) -> None:
    """Refuse a kernel larger than the padded input."""
    before, after = axis.padding
    if axis.effective_kernel_size > axis.padded_size:
        raise ValueError(
            f"kernel {name} {axis.kernel_size} at dilation {axis.dilation} spans {axis.effective_kernel_size} pixels; "
            f"it must fit the padded input {name} {before} + {axis.input_size} + {after} = {axis.padded_size}"
        )


def _check_padding_mode(name: str, axis: AxisGeometry, padding_mode: str) -> None:
    """Refuse padding that its mode has no pixels for: PyTorch's limits."""
    check_choice("padding_mode", padding_mode, PADDING_MODES)
    if padding_mode == "zeros":
        return
    most = {
        "reflect": max(0, axis.input_size - 1),
        "replicate": LARGEST_INT if axis.input_size else 0,
        "circular": axis.input_size,
    }[padding_mode]
    if max(axis.padding) > most:
        raise ValueError(
            f"padding={axis.padding} must be at most {most} for padding_mode={padding_mode!r} "
            f"and input {name} {axis.input_size}"
        )
