"""A network is a sequence of layers, and branches are sequences beside each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, TypeAlias

from refconv.analysis.layers import AXES, Conv, Layer, Pool
from refconv.analysis.notation import Item, Word, place_name, read
from refconv.analysis.upsampling import ConvTranspose, Upsample
from refconv.geometry.arguments import IntOrPair, Pair, as_pair
from refconv.geometry.build import build_axis

__all__ = ["Layers", "Network", "Parallel"]


class Layers(tuple["Layer | Parallel", ...]):
    """A network: its layers in the order in which they are applied.

    Every analysis takes a list or a tuple of layers as well.

    Parameters
    ----------
    layers : iterable of layers
        `Conv`, `Pool`, `ConvTranspose`, `Upsample` and `Parallel`; a single one is a network, too.

    Raises
    ------
    TypeError
        If one of them is not a layer.

    Examples
    --------
    >>> Layers([Conv(3), Pool(2), Conv(3, dilation=2)])
    Layers([Conv(3), Pool(2), Conv(3, dilation=2)])
    """

    __slots__ = ()

    def __new__(cls, layers: Network = ()) -> Self:  # noqa: D102  # the class says it
        if not isinstance(layers, Iterable | Layer | Parallel):
            raise TypeError(f"network={layers!r} must be a sequence of layers, not {type(layers).__name__}")
        given = [layers] if isinstance(layers, Layer | Parallel) else list(layers)
        for n, layer in enumerate(given, start=1):
            if not isinstance(layer, Layer | Parallel):
                raise TypeError(f"layer {n}, {layer!r}, must be a layer such as Conv(3), not {type(layer).__name__}")
        return super().__new__(cls, given)

    @classmethod
    def parse(cls, line: str, input_size: IntOrPair | None = None) -> Self:
        """Return the network that one line says.

        Parameters
        ----------
        line : str
            Layers between spaces: ``k`` and a kernel size is a convolution, ``pool`` a pooling, ``convt`` a transposed
            convolution, ``up`` and a scale an upsampling; then ``s``, ``p``, ``d`` and ``o`` with stride, padding,
            dilation and output padding, ``ceil`` and ``bilinear``.  A size is ``3`` or ``3x5``, height first, and a
            padding may be ``psame``, too.  Branches stand in brackets with ``|`` between them; ``(k3 k3)x4`` is
            repeated; and with ``c1:`` in front, all sizes are along the width.
        input_size : int or pair of int, optional
            The image's size, which SAME padding depends on where there is a stride.

        Returns
        -------
        Layers

        Raises
        ------
        ValueError
            If a word is no layer, with its number and what may have been meant; or if a bracket is missing.

        Examples
        --------
        >>> Layers.parse("k7s2p3 pool2 k3x5d2")
        Layers([Conv(7, stride=2, padding=3), Pool(2), Conv((3, 5), dilation=2)])
        >>> Layers.parse("(k1 | k3p6d6) up2bilinear")
        Layers([Parallel([Conv(1)], [Conv(3, padding=6, dilation=6)]), Upsample(2, mode='bilinear')])
        >>> Layers.parse("k3 q3")
        Traceback (most recent call last):
        ValueError: layer 2: 'q3' must be a layer, such as k3, k3s2p1d2, k3x5, pool2; did you mean 'k3'?
        """
        size = None if input_size is None else as_pair("input_size", input_size, minimum=1)
        return cls(_build(read(line), [], size)[0])

    def __repr__(self) -> str:
        return f"Layers({list(self)!r})"


@dataclass(frozen=True, init=False, repr=False)
class Parallel:
    """Branches that read the same feature map and whose outputs are added or concatenated.

    Parameters
    ----------
    *branches : sequence of layers, or a layer
        An empty sequence is a shortcut: it reads the pixel itself.

    Raises
    ------
    TypeError, ValueError
        If there is no branch, or something in one is not a layer.

    Examples
    --------
    A residual block, and the pyramid of DeepLabv3 without its image pooling:

    >>> Parallel([], [Conv(3, padding=1), Conv(3, padding=1)])
    Parallel([], [Conv(3, padding=1), Conv(3, padding=1)])
    >>> pyramid = Parallel(Conv(1), *(Conv(3, padding=rate, dilation=rate) for rate in (6, 12, 18)))
    >>> len(pyramid.branches)
    4
    """

    branches: tuple[Layers, ...]

    def __init__(self, *branches: Network) -> None:
        if not branches:
            raise ValueError("Parallel() must have a branch")
        object.__setattr__(self, "branches", tuple(map(Layers, branches)))

    def __repr__(self) -> str:
        return f"Parallel({', '.join(repr(list(branch)) for branch in self.branches)})"


Network: TypeAlias = Layer | Parallel | Iterable["Layer | Parallel"]


def _build(items: Sequence[Item], place: list[int], size: Pair | None) -> tuple[list[Layer | Parallel], Pair | None]:
    """Make layers of the words of a line, and the size of their map; what a layer refuses is said with its number."""
    layers: list[Layer | Parallel] = []
    for number, item in enumerate(items, start=1):
        here = [*place, number]
        if isinstance(item, tuple):
            branches = [_build(branch, [*here, i], size) for i, branch in enumerate(item, start=1)]
            layers.append(Parallel(*(branch for branch, _ in branches)))
            size = branches[0][1]
            continue
        try:
            layer = _build_layer(_fitted(item, size))
        except ValueError as error:
            raise ValueError(f"{place_name(here)}, {item.text!r}: {error}") from None
        layers.append(layer)
        try:
            size = None if size is None else (layer.output_size(0, size[0]), layer.output_size(1, size[1]))
        except ValueError:
            size = None  # the feature map vanishes, which whoever asks for its size is told
    return layers, size


def _fitted(word: Word, size: Pair | None) -> Word:
    """Return a word with SAME padding in numbers, where the size that it depends on is known."""
    padding = word.options.get("p")
    if not isinstance(padding, str) or size is None:
        return word
    default = word.size if word.kind == "pool" else 1
    kernel, stride = as_pair("size", word.size, 1), as_pair("stride", word.options.get("s", default), 1)
    rate = as_pair("dilation", word.options.get("d", 1), 1)
    axes = zip(AXES, size, kernel, stride, rate, strict=True)
    sides = tuple(build_axis(name, h, k, s, d, padding, "zeros").padding for name, h, k, s, d in axes)
    return replace(word, options={**word.options, "p": sides})  # type: ignore[dict-item]  # a pair of pairs


_KINDS: dict[str, Callable[..., Layer]] = {"k": Conv, "pool": Pool, "convt": ConvTranspose, "up": Upsample}
_NAMES = {"s": "stride", "p": "padding", "d": "dilation", "o": "output_padding"}
_SUFFIXES: dict[str, dict[str, Any]] = {"": {}, "ceil": {"ceil_mode": True}}  # and an upsampling's are its modes


def _build_layer(word: Word) -> Layer:
    """Make the layer of one word; what it does not say has the layer's own default."""
    options = {_NAMES[letter]: value for letter, value in word.options.items()}
    return _KINDS[word.kind](word.size, **options, **_SUFFIXES.get(word.suffix, {"mode": word.suffix}))
