"""What ``refconv analyze`` prints: a table of layers, what outputs see, the verdict on holes, a footprint; or JSON."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from refconv.analysis.graph.call import Ended
from refconv.analysis.graph.counting import EXACT, Use
from refconv.analysis.graph.coverage import Coverage, coverage
from refconv.analysis.graph.field import AxisField, Tensor
from refconv.analysis.graph.in_image import in_image, tiling
from refconv.analysis.graph.network_graph import Graph
from refconv.analysis.graph.nodes import Unsaid
from refconv.analysis.gridding import Gridding
from refconv.commands.text_table import emphasis, table, width, wrapped
from refconv.plots.networks import MOST_BOXES, Depth

__all__ = ["NetworkReport", "Row", "rows_of"]

SHADES = "░▒▓█"
HOLE = "·"
SHARES = (Fraction(1, 2), Fraction(9, 10), Fraction(99, 100))
MOST_ROWS = 60  # of a table; of a longer one, the first and the last
LONGEST_LABEL = 120  # characters of a layer with branches in branches
MOST_OUTPUTS = 6  # of a model, each with a line
NUMBERS = ("size", "stride", "padding", "center")


class Row(NamedTuple):
    """A row of the table: a tensor, what its source calls the layer, and what it sees along every axis."""

    name: str
    tensor: Tensor
    fields: Sequence[AxisField]  # none where that cannot be said

    @classmethod
    def of(cls, graph: Graph, tensor: Tensor, name: str = "") -> Row:
        """Return the row of a tensor."""
        return cls(name, tensor, [] if isinstance(tensor.view, Ended) else graph.field(tensor.name))

    def number(self, name: str) -> str:
        """Return one of the four numbers, or the size of the map."""
        return _in_short([getattr(field, name) for field in self.fields])

    @property
    def sees(self) -> str:
        """The size of the field, and whether all of the image is seen beside it."""
        is_whole = bool(self.fields) and all(field.whole is not None for field in self.fields)
        if is_whole and not any(field.maps for field in self.fields):
            return "all"
        return self.number("size") + ("+all" if is_whole else "")


def _in_short(values: Sequence[Any], unknown: str = "varies") -> str:
    texts = [unknown if value is None else str(value) for value in values]
    return "" if not texts else texts[0] if len(set(texts)) == 1 else "x".join(texts)


def rows_of(graph: Graph, targets: Sequence[str]) -> list[Row]:
    """Return a row for each tensor on the way that reads more than one pixel of the tensors before it."""
    wanted = {tensor.name for target in targets for tensor in graph.path_to(target)}
    return [
        Row.of(graph, tensor, tensor.module or (tensor.name if tensor.node.startswith("number ") else tensor.node))
        for name, tensor in graph.tensors.items()
        if name in wanted
        and name != graph.image
        and tensor.is_step
        and tensor.has_plane
        and not _only_joins(graph, tensor)
    ]


def _only_joins(graph: Graph, tensor: Tensor) -> bool:
    """Whether a tensor is joined from several, of which one sees all that it sees."""
    fields = [field.maps for field in graph.field(tensor.name)]
    sources = [[field.maps for field in graph.field(link.source)] for link in tensor.links]
    return len(sources) > 1 and fields in sources


@dataclass(frozen=True)
class NetworkReport:
    """What there is to say about a network."""

    title: str
    graph: Graph
    rows: Sequence[Row]  # the layers that are listed
    targets: Sequence[str]  # the tensors that were asked about
    grid: Gridding | None  # of a sequence of layers in a plane, where it is affordable
    has_size: bool  # whether the size of the image is known

    @cached_property
    def subject(self) -> str:
        """The last tensor on the way to the first target whose elements have places in the image."""
        return [self.graph.image, *self.graph.before(self.targets[0], lambda tensor: tensor.has_plane)][-1]

    @cached_property
    def covered(self) -> Coverage | str:
        """The verdict over all outputs of a period, or why there is none."""
        try:
            return coverage(self.graph, self.subject)
        except Unsaid as reason:
            return str(reason)

    @property
    def depths(self) -> list[Depth]:
        """What a figure shows of each row, and of each layer in them where there are few rows: its sizes."""
        steps = [tensor for tensor in self.graph.path_to(self.subject) if tensor.is_step and tensor.is_local]
        named = {row.tensor.name: row.name for row in self.rows}
        finer = [Row.of(self.graph, tensor, named.get(tensor.name, "")) for tensor in steps]
        return [
            Depth(row.name, row.tensor.label, [field.size or 0 for field in row.fields], row.fields[0].stride)
            for row in (finer if len(self.rows) <= MOST_BOXES and len(finer) > len(self.rows) else self.rows)
            if row.fields and all(field.size for field in row.fields)
        ]

    def lines(self) -> Iterator[str]:
        """Yield the report, line by line."""
        yield f"refconv analyze {self.title}"
        yield from self._table()
        for heading, lines in self._sections():
            yield ""
            yield emphasis(heading)
            yield from lines

    def _table(self) -> list[str]:
        columns = ["sees", "stride", "padding", "centre"] + ["map"] * self.has_size
        names = any(row.name for row in self.rows)
        numbered, half = list(enumerate(self.rows, start=1)), MOST_ROWS // 2
        first, last = (numbered, []) if len(numbered) <= MOST_ROWS else (numbered[:half], numbered[-half:])
        cells, end = ([self._cells(*each, names=names) for each in rows] for rows in (first, last))
        cells += [["...", *[""] * (len(cells[0]) - 1)], *end] if end else []
        headings = ["", *["name"] * names, "layer", *columns]
        return table(headings, cells, [False, *[True] * names, True, *[False] * len(columns)])

    def _cells(self, number: int, row: Row, *, names: bool) -> list[str]:
        numbers = [row.sees, *(row.number(name) for name in NUMBERS[1:])]
        label = textwrap.shorten(row.tensor.label, LONGEST_LABEL, placeholder=" ...")
        return [str(number), *[row.name] * names, label, *numbers, *[row.number("outputs")] * self.has_size]

    def _sections(self) -> Iterator[tuple[str, list[str]]]:
        told = [line for target in self.targets[:MOST_OUTPUTS] for line in self.outcome(target)]
        if len(self.targets) > MOST_OUTPUTS:
            told.append(f"and {len(self.targets) - MOST_OUTPUTS} more outputs, which --json has")
        if told:
            yield "what the outputs see", [line for each in told for line in wrapped(each)]
        if self.has_size:
            yield (
                f"on an image of {'x'.join(map(str, self.graph.input_size or ()))}",
                [line for each in self._in_image() for line in wrapped(each)],
            )
        if self.subject == self.graph.image:
            return
        if isinstance(self.covered, str):
            yield "holes and footprint", wrapped(f"left out: {self.covered}")
            return
        if self.grid is not None and self.grid.rules is not None:
            explained, verdict = self.grid.explain().splitlines(), self.grid.hole_free
            explained += [line for line in self.covered.explain() if line.startswith("pixels that")]
        else:
            explained, verdict = list(self.covered.explain()), self.covered.hole_free
        yield f"holes: {'none' if verdict else 'yes'}", [f"  {line}" for line in explained]
        yield "footprint: how many paths lead to each pixel", [f"  {line}" for line in _drawn(self.covered.widest)]

    def outcome(self, target: str) -> Iterator[str]:
        """Say what a target sees, where the table alone does not."""
        tensor = self.graph.tensors[target]
        local = self.graph.before(target, lambda each: each.has_plane)
        if isinstance(tensor.view, Ended):
            yield f"{target!r} cannot be followed past {tensor.view.title}: {tensor.view.reason}"
            yield "  the last tensors before it:"
            known = self.graph.before(target, lambda each: not isinstance(each.view, Ended))
            yield from (f"  {self._told(name)}" for name in known[-MOST_OUTPUTS:])
        elif not tensor.has_plane or len(self.targets) > 1 or any(field.whole for field in self.graph.field(target)):
            yield self._told(target)
            if not tensor.has_plane and local:
                yield f"  the last with a place for each position: {self._told(local[-1])}"
        if isinstance(tensor.view, Ended):
            return
        if tensor.view.normalised is not None:
            yield f"  its scale depends on all of the image, from {tensor.view.normalised.title} on"

    def _told(self, name: str) -> str:
        """Say in a line what a tensor sees."""
        fields = self.graph.field(name)
        whole = [field.whole for field in fields if field.whole is not None]
        parts = []
        if any(field.maps for field in fields):
            size = _in_short([field.size for field in fields])
            stride = _in_short([field.stride for field in fields])
            placed = f", stride {stride}" if all(field.is_placed for field in fields) else ", where positions are lost"
            parts.append(f"sees {size}{placed}")
        if whole:
            named = [name for name, field in zip(self.graph.axes, fields, strict=True) if field.whole is not None]
            which = "all of it" if len(whole) == len(fields) else f"all of the {' and '.join(named)}"
            parts.append(f"{'' if parts else 'sees '}{which}, through {min(whole).title}")
        return f"{name!r} {', and '.join(parts) or 'sees nothing'}"

    def _in_image(self) -> Iterator[str]:
        """Say what the subject sees of the image."""
        found = in_image(self.graph, self.subject, [row.tensor.name for row in self.rows])
        shares = ", ".join(f"{100 * float(share):.0f} % {_AT[place]}" for place, share in found.padding.items())
        if shares:
            yield f"of what an output sees, padding is {shares}"
        if found.all_seen_from:
            several = f"{found.nothing_new} layers behind it see" if found.nothing_new > 1 else "layer behind it sees"
            behind = f"; the {several} nothing new" if found.nothing_new else ""
            yield f"every output sees the whole image from {self._called(found.all_seen_from)} on{behind}"
        elif found.first_seen_from:
            yield f"an output in the middle sees the whole image from {self._called(found.first_seen_from)} on"
        else:
            yield "no output sees the whole image"
        tiles = tiling(self.graph, self.subject)
        if tiles:
            halo, multiple = (_in_short([tile[place] for tile in tiles]) for place in (0, 1))
            yield f"for tiles without a seam: {halo} pixels around each, which starts at a multiple of {multiple}"
        if found.valid:
            yield "weights that touch the feature map, of dilated layers:"
        for tensor, valid in found.valid:
            counts = ", ".join(f"{taps} at {count}" for taps, count in valid.counts.items())
            only = ": it is a 1×1 convolution" if list(valid.counts) == [1] else ""
            yield f"  {self._called(tensor.name)}: {counts} of {valid.positions} positions{only}"

    def _called(self, name: str) -> str:
        """Return what a tensor is called in the table; of one in a branch, its row and where it is there."""
        top, comma, rest = name.partition(", ")
        named = {row.tensor.name: row.name for row in self.rows if row.name}
        called = named.get(name) or (f"{named[top]}{comma}{rest}" if top in named else name)
        return f"{called} ({self.graph.tensors[name].label})"

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON can hold it: a number for each axis, and what is no whole number is text."""
        return {
            "network": self.title,
            "axes": self.graph.axes,
            "input_size": self.graph.input_size if self.has_size else None,
            "layers": [self._row_to_json(row) for row in self.rows],
            "outputs": {target: list(self.outcome(target)) for target in self.targets},
            "on_the_image": list(self._in_image()) if self.has_size else None,
            "gridding": self.grid and _gridding_to_json(self.grid),
            "coverage": {"left out": self.covered} if isinstance(self.covered, str) else _covered_to_json(self.covered),
        }

    def _row_to_json(self, row: Row) -> dict[str, Any]:
        fields = row.fields
        values = {name: _plain([getattr(field, name) for field in fields]) for name in NUMBERS}
        told: dict[str, Any] = {"name": row.name, "layer": row.tensor.label, **values}
        if row.tensor.node != row.tensor.name:
            told["tensor"] = row.tensor.name
        if any(field.whole for field in fields):
            told["whole"] = [field.whole and field.whole.title for field in fields]
        return told | ({"feature_map": [field.outputs for field in fields]} if self.has_size else {})


_AT = {"centre": "in the middle", "edge": "at an edge", "corner": "in a corner"}


def _drawn(use: Use) -> Iterator[str]:
    """Draw a cell of two characters for each pixel, or block of pixels, and say what the characters mean."""
    if not use.used or not np.isfinite(use.total):
        yield "left out: more than 10^308 paths" if use.used else f"output {use.output} reads nothing"
        return
    counts = use.counts
    if any(use.output):
        yield f"of output {'x'.join(map(str, use.output))}, which sees as much as any"
    if counts.ndim > 2:
        yield f"the middle of {len(counts)} slices"
    plane = counts[len(counts) // 2] if counts.ndim > 2 else np.atleast_2d(counts)
    block = -(-max(plane.shape) // max(1, (width() - 2) // 2))
    rows, columns = (np.arange(0, size, block) for size in plane.shape)
    cells = np.add.reduceat(np.add.reduceat(plane, rows, axis=0), columns, axis=1)
    most = cells.max()
    for row in cells:
        yield "".join(2 * (SHADES[math.ceil(len(SHADES) * count / most) - 1] if count else HOLE) for count in row)
    side = f"{block}x{block}" if counts.ndim > 1 else str(block)
    what = "a pixel" if block == 1 else f"a block of {side} pixels"
    yield f"each cell is {what}: {HOLE} no path, {' '.join(SHADES)} up to a quarter, half, ... all of {_number(most)}"
    sides = [f"{100 * share} % in {use.side_of(float(share))}" for share in SHARES]
    yield f"of {_number(use.total)} paths {', '.join(sides)} pixels {'square ' * (counts.ndim > 1)}in the middle"


def _number(value: float) -> str:
    return f"{int(value)}" if value < EXACT else f"about {value:.2g}"


def _gridding_to_json(grid: Gridding) -> dict[str, Any]:
    use = grid.footprint
    return {
        "hole_free": grid.hole_free,
        "coverage": str(grid.coverage),
        "largest_gap": grid.largest_gap,
        "common_factor": grid.common_factor,
        "axis_counts": [list(map(int, counts)) for counts in use.axis_counts],
        "standard_deviation": use.standard_deviation,
        "effective_size": {str(share): use.effective_size(share) for share in SHARES},
        "explanation": grid.explain(),
    }


def _covered_to_json(covered: Coverage) -> dict[str, Any]:
    return {
        "hole_free": covered.hole_free,
        "outputs_in_a_period": covered.outputs,
        "outputs_looked_at": covered.outputs if covered.is_complete else len(covered.uses),
        "outputs_with_holes": covered.holed,
        "outputs_that_read_nothing": covered.blind,
        "evenness": covered.widest.evenness,
        "pixels_that_no_output_reads": int(covered.unread.sum()) if covered.is_complete else None,
        "explanation": list(covered.explain()),
    }


def _plain(values: Sequence[Any]) -> list[int | str] | None:
    if not values or any(value is None for value in values):
        return None
    return [int(value) if value == int(value) else str(value) for value in values]
