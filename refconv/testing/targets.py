"""Targets: what can be judged, and how to name it.

A target for an operation is a callable that takes NumPy arrays and returns an array-like.  It has the positional
signature of refconv's function of that name:

    conv1d, conv2d, conv3d    (input, weight, bias, stride, padding, dilation, groups)
    conv_transpose2d          (input, weight, bias, stride, padding, output_padding, groups, dilation)
    conv2d_input              (input_size, weight, grad_output, stride, padding, dilation, groups)
    conv2d_weight             (input, weight_size, grad_output, stride, padding, dilation, groups)

It gets stride, dilation and output padding as tuples of one int per axis, padding as such a tuple, as pairs like
``((T, B), (L, R))`` where the sides differ, or as one of the strings; it raises NotImplementedError for what it does
not support.  A name finds one: a framework (``torch``), ``package.module:function``, ``path/to/file.py:function``, or a
program in any language, ``exec:./conv`` (see `refconv.testing.programs.program`).
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from refconv.geometry.arguments import check_choice
from refconv.operations import OPERATIONS
from refconv.testing.comparing.comparison import exception_text
from refconv.testing.frameworks import FRAMEWORKS, Target
from refconv.testing.programs.program import PREFIXES, load_program

__all__ = ["Target", "TargetError", "load_target"]

_RUN: set[Path] = set()  # files, by us


class TargetError(ValueError):
    """A target that cannot be loaded; the message is one line that says why, and what to do.

    Examples
    --------
    >>> load_target("no/such/file.py:conv2d")
    Traceback (most recent call last):
    refconv.testing.targets.TargetError: target 'no/such/file.py:conv2d': there is no file 'no/such/file.py'
    """


def load_target(name: str, op: str = "conv2d") -> Target:
    """Return the callable of this name, for one of the operations.

    Parameters
    ----------
    name : str
        A framework (``torch``, ``jax`` and the others of `FRAMEWORKS`), ``package.module:function``,
        ``path/to/file.py:function``; ``exec:PROGRAM``, which is run for each call, or ``serve:PROGRAM``, which answers
        all of them.
    op : {"conv2d", "conv1d", "conv3d", "conv_transpose2d", "conv2d_input", "conv2d_weight"}
        Which of a framework's operations; a function is what it is.

    Returns
    -------
    callable
        With the positional signature of refconv's own function for the operation.

    Raises
    ------
    TargetError
        If there is no such framework, module, file, function or program, importing it fails, or the framework has no
        such operation.
    ValueError
        If `op` is none of the operations.

    Examples
    --------
    >>> load_target("refconv").__name__
    'conv2d'
    >>> load_target("refconv", "conv2d_weight").__module__
    'refconv.grad'
    >>> load_target("scipy", "conv_transpose2d")
    Traceback (most recent call last):
    refconv.testing.targets.TargetError: target 'scipy' has no conv_transpose2d; it has conv2d, conv1d, conv3d
    >>> load_target("refconv:conv_2d")
    Traceback (most recent call last):
    refconv.testing.targets.TargetError: target 'refconv:conv_2d': refconv has no 'conv_2d'; did you mean 'conv2d'?
    """
    check_choice("op", op, OPERATIONS)
    if name in FRAMEWORKS:
        return _load_framework(name, op)
    if name.startswith(PREFIXES):
        try:
            return load_program(name, OPERATIONS[op])
        except FileNotFoundError as error:
            raise TargetError(f"target {name!r}: {error}") from None
    place, colon, attribute = name.rpartition(":")
    if not colon or not place or not attribute:
        near = (
            [f"{name.rstrip(':')}:{op}"]
            if name.rstrip(":").endswith(".py")
            else difflib.get_close_matches(name, FRAMEWORKS)
        )
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise TargetError(
            f"target {name!r} must be one of {', '.join(FRAMEWORKS)}, "
            f"package.module:function, path/to/file.py:function or exec:PROGRAM{hint}"
        )
    if place.endswith(".py:"):
        raise TargetError(f"target {name!r}: did you mean {f'{place}{attribute}'!r}?")
    return _attribute(name, _import_place(name, place), attribute, place)


def check_signature(name: str, target: Target, op: str, steps: Iterable[str] = ()) -> None:
    """Refuse a target that cannot be called with the arguments of the operation, if that can be told beforehand."""
    names = (*OPERATIONS[op].leading, *OPERATIONS[op].parameters)
    try:
        signature = inspect.signature(target, follow_wrapped=False)  # a decorator may take other arguments
    except (TypeError, ValueError):  # of a builtin, which does not say
        return
    try:
        signature.bind(*names, **dict.fromkeys(steps))
    except TypeError as error:
        own = getattr(target, "__name__", "")
        hint = f"; did you mean op={own!r}?" if own in OPERATIONS and own != op else ""
        call = f"{op}({', '.join((*names, *(f'{step}=' for step in steps)))})"
        raise TargetError(f"target {name!r} cannot be called as {call}: {error}{hint}") from None
    own_names = tuple(signature.parameters)
    if own_names[:1] == ("self",):
        raise TargetError(f"target {name!r} is a method of a class; it must be a function, or an object's method")
    others = {other: (*each.leading, *each.parameters) for other, each in OPERATIONS.items()}
    meant = [other for other, theirs in others.items() if own_names[: len(theirs)] == theirs]
    if meant and op not in meant and own_names[: len(names)] != names:
        raise TargetError(
            f"target {name!r} takes the arguments of {meant[0]}, not of {op}; did you mean op={meant[0]!r}?"
        )


def importable_name(target: Target) -> str | None:
    """Return the name under which another process can import a function, or None where it has none."""
    name = f"{getattr(target, '__module__', None)}:{getattr(target, '__qualname__', None)}"
    if name.startswith("__main__:"):
        return None
    try:
        return name if load_target(name) is target else None
    except TargetError:
        return None


@lru_cache
def _load_framework(name: str, op: str) -> Target:
    framework = FRAMEWORKS[name]
    if op not in framework.operations:
        raise TargetError(f"target {name!r} has no {op}; it has {', '.join(framework.operations)}")
    try:
        return framework.operations[op]()
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in framework.packages:
            raise TargetError(_import_failure(name, error)) from error
        install = f"pip install {' '.join(framework.packages.values())}"
        raise TargetError(f"target {name!r} needs {missing}, which is not installed: {install}") from error
    except Exception as error:  # a broken installation can raise anything
        raise TargetError(_import_failure(name, error)) from error


def _import_failure(name: str, error: BaseException) -> str:
    return f"target {name!r} fails on import: {exception_text(error)}"


def _import_place(name: str, place: str) -> ModuleType:
    """Import a file, where the place looks like one, or a module."""
    if not place.endswith(".py"):
        return _import_module(name, place)
    path = Path(place)
    if not path.is_file():
        raise TargetError(f"target {name!r}: there is no file {place!r}")
    return _import_file(name, path)


def _import_module(name: str, module: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)  # a console script, unlike `python -m`, does not look where it was called from
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if module == error.name or module.startswith(f"{error.name}."):
            file = f"{module}.py"
            hint = f"; did you mean {name.replace(module, file, 1)!r}?" if Path(file).is_file() else ""
            raise TargetError(f"target {name!r}: there is no module {error.name!r}{hint}") from error
        raise TargetError(_import_failure(name, error)) from error
    except (Exception, SystemExit) as error:
        raise TargetError(_import_failure(name, error)) from error


@lru_cache
def _run_file(path: Path, modified: int) -> ModuleType:  # noqa: ARG001  # an edited file is another file
    """Run a file as a module, once for each time that it was written: running it may compile a kernel."""
    name = _name_of(path)
    imported = sys.modules.get(name)
    if imported is not None and path not in _RUN and _file_of(imported.__file__) == path:
        return imported
    _RUN.add(path)
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None:
        raise ImportError(f"{str(path)!r} cannot be imported")
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module  # a dataclass, say, looks its own module up
    sys.path.append(str(path.parent))  # last: beside a kernel in torch.py, `import torch` is still the framework
    try:
        specification.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _name_of(path: Path) -> str:
    """Return the name under which a file is imported: its own, by which the caches of compilers find it again.

    A kernel may well live in a file called torch.py: where that name is another's, it has one that is nobody's.
    """
    try:
        found = importlib.util.find_spec(path.stem) if path.stem.isidentifier() else None
        is_its_own = path.stem.isidentifier() and (found is None or _file_of(found.origin) == path)
    except ValueError:  # of a module that does not say where it is from, such as __main__
        is_its_own = False
    return path.stem if is_its_own else f"_refconv_target_{path.stem}"


def _file_of(origin: str | None) -> Path:
    return Path(origin or "").resolve()


def _import_file(name: str, path: Path) -> ModuleType:
    try:
        return _run_file(path.resolve(), path.stat().st_mtime_ns)
    except (Exception, SystemExit) as error:
        raise TargetError(_import_failure(name, error)) from error


def _attribute(name: str, module: ModuleType, attribute: str, place: str) -> Target:
    found: Any = module  # then a class or an object in it, for a dotted attribute
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            near = difflib.get_close_matches(part, dir(found))
            own = [key for key, value in vars(found).items() if getattr(value, "__module__", "") == module.__name__]
            hint = f"; did you mean {near[0]!r}?" if near else f"; it has {', '.join(own)}" if 0 < len(own) <= 8 else ""
            raise TargetError(f"target {name!r}: {place} has no {attribute!r}{hint}") from None
    if not callable(found):
        raise TargetError(f"target {name!r}: {attribute!r} is no callable, but of type {type(found).__name__}")
    function: Target = found
    return function
