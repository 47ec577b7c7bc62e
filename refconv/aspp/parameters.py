"""What ASPP is made of: its rates, its convolutions, and the names and shapes of their parameters."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from refconv.geometry.arguments import adding_context, as_int, is_sequence
from refconv.numbers.dtypes import as_array
from refconv.numbers.formats import Array

__all__ = ["Parameters", "atrous_rates", "parameter_shapes"]

Parameters: TypeAlias = Mapping[str, npt.ArrayLike] | str | os.PathLike[str]

RATES = (6, 12, 18)  # at an output stride of 16
VARIANTS = ("deeplabv3", "simple")
NORM = ("weight", "bias", "running_mean", "running_var")  # batch norm's arrays, in the state dict's order


class Layer(NamedTuple):
    """One convolution and the batch norm behind it: where the state dict keeps them, and the kernel."""

    convolution: str
    norm: str
    kernel_size: int
    rate: int


def branches(rates: Sequence[int]) -> dict[str, Layer]:
    """Return the parallel branches by name.  The last has its convolution behind the mean, so one place further on."""
    last = len(rates) + 1
    pyramid = {
        f"convs.{i}": Layer(f"convs.{i}.0", f"convs.{i}.1", kernel_size, rate)
        for i, (kernel_size, rate) in enumerate([(1, 1), *((3, rate) for rate in rates)])
    }
    return pyramid | {f"convs.{last}": Layer(f"convs.{last}.1", f"convs.{last}.2", 1, 1)}


PROJECTION = Layer("project.0", "project.1", 1, 1)


def as_rates(rates: Sequence[int]) -> tuple[int, ...]:
    """Return the rates as ints of at least 1."""
    if not is_sequence(rates):
        raise TypeError(f"rates={rates!r} must be a sequence of ints")
    return tuple(as_int(f"rates[{i}]", rate, minimum=1) for i, rate in enumerate(rates))


def atrous_rates(output_stride: int) -> tuple[int, ...]:
    """Rates of DeepLabv3 at an output stride: ``(6, 12, 18)·16 / output_stride``.

    The output stride is the image's size over the map's.  Halving it doubles the map, and the rates with it, so that
    each branch sees as much of the image as before.

    Parameters
    ----------
    output_stride : int
        A divisor of 96 = 6·16, for the rates to be whole.

    Returns
    -------
    tuple of int
        Three rates, in pixels of the map.

    Raises
    ------
    TypeError, ValueError
        If `output_stride` is not such an int.

    Notes
    -----
    Source: Chen et al. (2017), section 3.3, where they are doubled for an output stride of 8.

    Examples
    --------
    >>> atrous_rates(16), atrous_rates(8), atrous_rates(32)
    ((6, 12, 18), (12, 24, 36), (3, 6, 9))
    """
    stride = as_int("output_stride", output_stride, minimum=1)
    if RATES[0] * 16 % stride:
        raise ValueError(
            f"output_stride={stride} must divide {RATES[0] * 16} = {RATES[0]}·16, for the rates to be whole"
        )
    return tuple(rate * 16 // stride for rate in RATES)


def parameter_shapes(
    in_channels: int, depth: int, rates: Sequence[int] = RATES, *, variant: str = "deeplabv3"
) -> dict[str, tuple[int, ...]]:
    """Names and shapes of ASPP's parameters, in the order of torchvision's state dict.

    Parameters
    ----------
    in_channels : int
        C, the channels of the input.
    depth : int
        O, the channels of every branch and of the output.
    rates : sequence of int
        One for each 3×3 branch.
    variant : {"deeplabv3", "simple"}
        With batch norm, or with biases.

    Returns
    -------
    dict of str to tuple of int
        Without ``num_batches_tracked``, which a state dict may have and inference does not read.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of these forms.

    Notes
    -----
    The convolution of the last branch is ``convs.n.1``, not ``convs.n.0``: the mean stands before it.

    Examples
    --------
    >>> for name, shape in parameter_shapes(256, 512, rates=[6], variant="simple").items():
    ...     print(name, shape)
    convs.0.0.weight (512, 256, 1, 1)
    convs.0.0.bias (512,)
    convs.1.0.weight (512, 256, 3, 3)
    convs.1.0.bias (512,)
    convs.2.1.weight (512, 256, 1, 1)
    convs.2.1.bias (512,)
    project.0.weight (512, 1536, 1, 1)
    project.0.bias (512,)
    >>> [name for name in parameter_shapes(256, 512) if name.startswith("convs.4")]
    ['convs.4.1.weight', 'convs.4.2.weight', 'convs.4.2.bias', 'convs.4.2.running_mean', 'convs.4.2.running_var']
    """
    channels, depth = as_int("in_channels", in_channels, minimum=0), as_int("depth", depth, minimum=0)
    if variant not in VARIANTS:
        raise ValueError(f"variant={variant!r} must be one of {', '.join(map(repr, VARIANTS))}")
    pyramid = branches(as_rates(rates)).values()
    shapes: dict[str, tuple[int, ...]] = {}
    for layer, inputs in [*((layer, channels) for layer in pyramid), (PROJECTION, depth * len(pyramid))]:
        shapes[f"{layer.convolution}.weight"] = depth, inputs, layer.kernel_size, layer.kernel_size
        if variant == "simple":
            shapes[f"{layer.convolution}.bias"] = (depth,)
        else:
            shapes |= {f"{layer.norm}.{name}": (depth,) for name in NORM}
    return shapes


def read_parameters(parameters: Parameters, in_channels: int, rates: Sequence[int], variant: str) -> dict[str, Array]:
    """Return the arrays by name: every one there, none too many, each of its shape."""
    given = parameters if isinstance(parameters, Mapping) else _read_archive(parameters)
    depth = np.shape(given.get("convs.0.0.weight", ()))[:1] or (0,)
    shapes = parameter_shapes(in_channels, depth[0], rates, variant=variant)
    with adding_context(f"variant={variant!r}, {len(rates)} rates, {in_channels} input channels"):
        _check_names(given, shapes)
        arrays = {name: as_array(name, given[name]) for name in shapes}
        for name, shape in shapes.items():
            if arrays[name].shape != shape:
                raise ValueError(f"{name} has shape {arrays[name].shape}; it must be {shape}")
    return arrays


def _check_names(given: Iterable[str], wanted: Iterable[str]) -> None:
    """Refuse parameters that are missing or too many; of batch norm's counter, which only training reads, neither."""
    counters = {name.replace("running_mean", "num_batches_tracked") for name in wanted}
    missing = [name for name in wanted if name not in given]
    extra = [name for name in given if name not in counters.union(wanted)]
    problems = [f"{verb} {_listed(names)}" for verb, names in (("lack", missing), ("must not have", extra)) if names]
    if problems:
        raise ValueError(f"parameters {' and '.join(problems)}")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(map(repr, names[:4])) + more


def _read_archive(path: str | os.PathLike[str]) -> dict[str, Array]:
    if not isinstance(path, str | os.PathLike):
        raise TypeError(
            f"parameters is of type {type(path).__name__}; it must be a mapping or the path of an .npz file"
        )
    with Path(path).open("rb") as file:
        if not zipfile.is_zipfile(file):
            raise ValueError(f"parameters={os.fspath(path)!r} must be an .npz file")
        file.seek(0)
        return dict(np.load(file, allow_pickle=False))
