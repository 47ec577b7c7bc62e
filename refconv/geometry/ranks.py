"""One function for one axis, for two and for three: written once, with the letters of its docstring filled in."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from string import Template
from types import FunctionType
from typing import Concatenate, ParamSpec, TypeVar

from refconv.geometry.arguments import LINE, PLANE, VOLUME, Space

P = ParamSpec("P")
R = TypeVar("R")


def for_each_space(
    *names: str, spaces: tuple[Space, ...] = (LINE, PLANE, VOLUME), **words: str
) -> Callable[[Callable[Concatenate[Space, P], R]], tuple[Callable[P, R], ...]]:
    """Turn a function of a space into one for each space, by each of the names, with the number of axes for N.

    What stands in its docstring, and what becomes of it for two axes: ``$H`` (H, W), ``$P`` (P, Q), ``$K`` (K_h, K_w)
    and as indices ``$h``, ``$p``, ``$k`` (i, j); ``${N}`` (2); ``${ones}`` and ``${zeros}``, a size of 1 and a padding
    of (0, 0) for all axes but the last.  And before these `words` of its own, one of which may stand in another.
    """

    def along(template: Callable[Concatenate[Space, P], R], space: Space, name: str) -> Callable[P, R]:
        def function(*arguments: P.args, **parameters: P.kwargs) -> R:
            return template(space, *arguments, **parameters)

        # With the template's globals, by which doctest tells where a function comes from.
        made = FunctionType(function.__code__, template.__globals__, name, None, function.__closure__)
        made.__qualname__, others = name, space.rank - 1
        indices = {"h": space.pixels.lower(), "p": space.outputs.lower(), "k": ("i", "i, j", "k, i, j")[others]}
        sizes = {"H": space.pixels, "P": space.outputs, "K": space.taps, "N": str(space.rank)}
        text = template.__doc__ or ""
        for _ in words:
            text = Template(text).safe_substitute(words)
        made.__doc__ = Template(text).substitute(indices, **sizes, ones="1, " * others, zeros="(0, 0), " * others)
        _, *parameters = inspect.signature(template).parameters.values()
        made.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return made

    def decorate(template: Callable[Concatenate[Space, P], R]) -> tuple[Callable[P, R], ...]:
        each = [(space, name.replace("N", str(space.rank))) for name in names for space in spaces]
        return tuple(along(template, space, name) for space, name in each)

    return decorate
