"""Golden vectors on disk: a folder that says what it is, and has the same bytes on every machine.

::

    manifest.json         versions, what was asked for, and the SHA-256 of every other file
    index.json            every case with its parameters, types and shapes; index.schema.json is its JSON schema
    cases/NAME.safetensors      operands, parameters, result and bounds
    results/NAME.safetensors    where a program leaves its own: one tensor, "result"; none: not supported
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Final

from refconv.testing.battery.cases import Case
from refconv.testing.battery.tiers import chosen_cases
from refconv.testing.programs.case_file import as_tensors
from refconv.testing.programs.safetensors import TYPES, to_bytes
from refconv.testing.vectors.golden import golden
from refconv.testing.version import version

FORMAT: Final = 1
MANIFEST, INDEX, SCHEMA = "manifest.json", "index.json", "index.schema.json"
CASES, RESULTS = "cases", "results"


def write_vectors(
    folder: str | Path,
    tier: str = "core",
    *,
    op: str = "conv2d",
    match: str = "",
    dtype: str | Collection[str] | None = None,
    names: Sequence[str] = (),
    scale: int = 1,
    on_case: Callable[[Case], object] | None = None,
) -> int:
    """Write the battery's cases as files that any language reads, each with the right result and its bound.

    Parameters
    ----------
    folder : str or Path
        Where to; it must be new, or empty, and is there whole or not at all.
    tier, op, match, dtype, scale
        Which cases, as in `refconv.testing.cases`.  Arguments that ought to be refused have no result, and no file.
    names : sequence of str, optional
        These cases in place of the tier's, in the battery or not.
    on_case : callable, optional
        Called with each Case as it is written.

    Returns
    -------
    int
        How many cases were written.

    Raises
    ------
    ValueError
        If no case is left to write, or one is too large to be computed in full; if a name is none, or belongs to
        another operation, or to a case of complex128, which the format does not have; without names, these are left
        out.
    OSError
        If the folder is not empty, or cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_vectors(folder, names=["n1-c1-o1-g1-3x4-k2-s1-p0-d1-f32"])
    ...     sorted(path.name for path in Path(folder).iterdir())
    1
    ['cases', 'index.json', 'index.schema.json', 'manifest.json']
    """
    folder = Path(folder)
    chosen = chosen_cases(tier, op, match, dtype, named=names, scale=scale)
    for case in chosen:
        if case.rejects:
            raise ValueError(f"case {case.id!r} is to be refused, and has no result")
        if case.bulk > 1:
            raise ValueError(f"case {case.id!r} is too large for a file; a scale makes it smaller")
        if names and not _has_type(case):
            raise ValueError(
                f"case {case.id!r} has a result of type {case.result_dtype}, which safetensors does not have"
            )
    chosen = [case for case in chosen if _has_type(case)]
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{str(folder)!r} must be a new or an empty folder for the vectors")
    partial = folder.absolute().with_name(f".{folder.absolute().name}.{os.getpid()}")
    try:
        types = dtype if isinstance(dtype, str) else " ".join(dtype or ())
        asked = {"op": op, "tier": "" if names else tier, "match": match, "dtype": types}
        _write(partial, chosen, asked, on_case)
        if folder.exists():
            folder.rmdir()
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return len(chosen)


def _write(
    folder: Path, chosen: Sequence[Case], asked: dict[str, str], on_case: Callable[[Case], object] | None
) -> None:
    (folder / CASES).mkdir(parents=True)
    entries = []
    for case in chosen:
        tensors, metadata = file_of(case)
        (folder / file_name(CASES, case.id)).write_bytes(to_bytes(tensors, metadata))
        entries.append(_entry(case, tensors, metadata))
        if on_case is not None:
            on_case(case)
    (folder / SCHEMA).write_bytes(Path(__file__).with_name(SCHEMA).read_bytes())
    lines = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in entries)  # a line for each case
    _text(folder / INDEX, f'{{"format":{FORMAT},"op":"{asked["op"]}","cases":[\n{lines}\n]}}\n')
    paths = sorted((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if path.is_file())
    files = {name: checksum(path) for name, path in paths}
    manifest = {"format": FORMAT, "refconv": version(), **asked, "cases": len(chosen), "sha256": files}
    _text(folder / MANIFEST, json.dumps(manifest, indent=1) + "\n")


def _has_type(case: Case) -> bool:
    return case.result_dtype.name in TYPES.values()


def file_of(case: Case) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the tensors of a case's file, and its metadata."""
    arguments = case.arguments(case.operands())
    operands, metadata = as_tensors(case.operation, arguments, case.output_size)
    return operands | golden(case), {"case": case.id, **metadata}


def file_name(folder: str, case: str) -> str:
    """Return where the file of a case, or of its result, lies in the folder."""
    return f"{folder}/{case}.safetensors"


def _entry(case: Case, tensors: dict[str, Any], metadata: dict[str, str]) -> dict[str, Any]:
    shapes = {name: {"dtype": array.dtype.name, "shape": list(array.shape)} for name, array in tensors.items()}
    parameters = {name: text for name, text in metadata.items() if name not in ("case", "op")}
    return {
        "case": case.id,
        "family": case.family,
        "data": case.data,
        "file": file_name(CASES, case.id),
        "parameters": parameters,
        "tensors": shapes,
    }


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _text(path: Path, text: str) -> None:
    path.write_bytes(text.encode())  # on every machine with the same ends of lines
