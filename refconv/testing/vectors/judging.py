"""Judge the results that a program has left beside golden vectors, as `check` judges a target that it can call."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from refconv.numbers.formats import Array
from refconv.operations import OPERATIONS, Operation
from refconv.testing.battery.cases import Case
from refconv.testing.battery.tiers import find_case, is_chosen
from refconv.testing.judging.judge import CaseResult, Judge
from refconv.testing.judging.places import answer
from refconv.testing.programs.case_file import as_tensors, read_result
from refconv.testing.programs.safetensors import from_bytes, to_bytes
from refconv.testing.reporting.inquiry import inquire
from refconv.testing.reporting.report import Report
from refconv.testing.vectors.writing import FORMAT, INDEX, MANIFEST, RESULTS, checksum
from refconv.testing.version import version


def judge_vectors(
    folder: str | Path,
    results: str | Path | None = None,
    *,
    match: str = "",
    on_result: Callable[[CaseResult], object] | None = None,
) -> Report:
    """Judge what a program has made of golden vectors.

    Parameters
    ----------
    folder : str or Path
        The vectors, as `write_vectors` has left them.
    results : str or Path, optional
        The results, one file for each case, ``NAME.safetensors`` with a tensor ``result``; by default the folder's
        ``results``.  A case without a file is unsupported.
    match : str
        Only the cases in whose id or family this text stands.
    on_result : callable, optional
        Called with each CaseResult, in order, as it comes.

    Returns
    -------
    Report
        As `refconv.testing.check` has it, with each cause that can be told from arrays alone.

    Raises
    ------
    ValueError
        If the folder holds no vectors, or others than this version of refconv writes; or a file among the results
        belongs to none of the cases.

    Examples
    --------
    >>> import refconv
    >>> from tempfile import TemporaryDirectory
    >>> from refconv.testing.programs.safetensors import to_bytes
    >>> case = find_case("n1-c1-o1-g1-3x4-k2-s1-p0-d1-f32")
    >>> with TemporaryDirectory() as folder:
    ...     _ = refconv.testing.write_vectors(folder, names=[case.id])
    ...     image, kernel, _ = case.arrays()
    ...     Path(folder, "results").mkdir()
    ...     flipped = refconv.conv2d(image, kernel[:, :, ::-1, ::-1])
    ...     _ = Path(folder, "results", f"{case.id}.safetensors").write_bytes(to_bytes({"result": flipped}))
    ...     print(judge_vectors(folder).headline())
    WRONG: the kernel is flipped: this is the true convolution of mathematics
    """
    folder = Path(folder)
    results = folder / RESULTS if results is None else Path(results)
    manifest = _manifest(folder)
    known = _known(folder)
    _refuse_strangers(results, [case.id for case in known.values()])
    chosen = [case for case in known.values() if is_chosen(case, match, None)]
    if not chosen:
        raise ValueError(f"no case in {str(folder)!r} has match={match!r} in its id or family")
    judge = Judge(Recorded(OPERATIONS[manifest["op"]], results, {key: case.id for key, case in known.items()}))
    run = partial(map, partial(answer, judge))
    judged = []
    for result in run(chosen):
        judged.append(result)
        if on_result is not None:
            on_result(result)
    looked_at, _ = inquire(judged, run)  # new cases have no results
    return Report(str(results), manifest["tier"] or "of its own", looked_at, manifest["op"])


class Recorded:
    """A target that has answered already: it has the results of some calls, and knows these by their arguments."""

    def __init__(self, operation: Operation, results: Path, known: Mapping[bytes, str]) -> None:
        self._operation = operation
        self._results = results
        self._known = known

    def __call__(self, *arguments: Any, output_size: Sequence[int] = ()) -> Array:
        """Return the recorded result; NotImplementedError where there is none."""
        name = self._known.get(_key(*as_tensors(self._operation, arguments, output_size)))
        if name is None:
            raise NotImplementedError("other arguments than those on record")
        try:
            return read_result(self._results / f"{name}.safetensors")
        except FileNotFoundError:
            raise NotImplementedError("there is no result") from None


def _key(tensors: Mapping[str, Array], metadata: Mapping[str, str]) -> bytes:
    """Return what tells one call from another."""
    return hashlib.sha256(to_bytes(tensors, metadata)).digest()


def _manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a folder whose other files are as it says."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
        version, files = manifest["format"], manifest["sha256"].items()
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError(
            f"{str(folder)!r} holds no vectors: there is no {MANIFEST}, which refconv vectors writes"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{str(folder / MANIFEST)!r} makes no sense: {type(error).__name__}: {error}") from None
    if version != FORMAT:
        raise ValueError(f"{str(folder)!r} has vectors of format {version}, which must be {FORMAT}")
    for name, digest in files:
        path = folder / name
        if not path.is_file() or checksum(path) != digest:
            state = "was changed" if path.is_file() else "is missing"
            raise ValueError(f"{str(path)!r} {state} since the vectors were written; write them again")
    return manifest


def _known(folder: Path) -> dict[bytes, Case]:
    """Return the cases of a folder, each by its call; a ValueError where this refconv would ask something else."""
    known = {}
    for entry in json.loads((folder / INDEX).read_bytes())["cases"]:
        case = replace(find_case(entry["case"]), family=entry["family"])
        tensors, metadata = from_bytes((folder / entry["file"]).read_bytes())
        asked = {name: array for name, array in tensors.items() if name in case.operation.leading}
        metadata.pop("case")
        key = _key(*as_tensors(case.operation, case.arguments(case.operands()), case.output_size))
        if key != _key(asked, metadata):
            raise ValueError(f"{case.id} has other arguments than in refconv {version()}: write the vectors again")
        known[key] = case
    return known


def _refuse_strangers(results: Path, names: Collection[str]) -> None:
    """Refuse a folder of results in which a file belongs to none of the cases: a slip, that would pass unseen."""
    if not results.is_dir():
        raise ValueError(f"{str(results)!r} must be a folder of results, NAME.safetensors for each case")
    for path in sorted(results.iterdir()):
        if path.name.removesuffix(".safetensors") not in names or path.suffix != ".safetensors":
            near = difflib.get_close_matches(path.stem, names)
            hint = f"; did you mean {near[0] + '.safetensors'!r}?" if near else ""
            raise ValueError(f"{str(path)!r} belongs to none of the cases{hint}")
