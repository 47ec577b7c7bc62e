from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import kernels
import pytest

import refconv
from refconv.testing import TargetError, load_target, run_case, targets
from refconv.testing.frameworks import FRAMEWORKS
from refconv.testing.targets import check_signature, importable_name

CASE = "n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32"
KERNELS = str(Path(kernels.__file__))
NAMES = "refconv, scipy, torch, jax, onnxruntime, onnx, tensorflow, tflite, openvino, opencv, tract, paddle, mlx, tinygrad, ncnn"

ONNX_HAS = (
    "conv2d, conv1d, conv3d, conv_transpose2d, conv_transpose1d, conv_transpose3d, "
    "conv2d_integer, conv1d_integer, conv2d_quantized, conv1d_quantized"
)


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what was loaded before, and put sys.path back afterwards."""
    targets._load_framework.cache_clear()
    targets._run_file.cache_clear()
    monkeypatch.setattr(sys, "path", [*sys.path])


def write(folder: Path, text: str, name: str = "target.py") -> str:
    path = folder / name
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return str(path)


def refusal(name: str, op: str = "conv2d") -> str:
    with pytest.raises(TargetError) as caught:
        load_target(name, op)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


def test_these_are_the_frameworks() -> None:
    assert ", ".join(FRAMEWORKS) == NAMES


def test_a_framework_by_its_name() -> None:
    assert load_target("refconv") is refconv.conv2d


def test_an_operation_of_a_framework() -> None:
    assert load_target("refconv", "conv1d") is refconv.conv1d
    assert load_target("refconv", op="conv2d_weight") is refconv.grad.conv2d_weight
    assert load_target("refconv") is refconv.conv2d  # whatever was asked for before


@pytest.mark.parametrize(
    ("name", "op", "operations"),
    [
        ("onnxruntime", "conv2d_weight", ONNX_HAS),
        ("onnx", "conv2d_input", ONNX_HAS),
        ("scipy", "conv_transpose2d", "conv2d, conv1d, conv3d"),
    ],
)
def test_an_operation_that_a_framework_lacks(
    name: str, op: str, operations: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in FRAMEWORKS[name].packages:
        monkeypatch.setitem(sys.modules, package, None)  # it is said without an import
    assert refusal(name, op) == f"target {name!r} has no {op}; it has {operations}"


@pytest.mark.parametrize("name", ["refconv", "kernels:right"])
def test_an_operation_that_there_is_not(name: str) -> None:
    with pytest.raises(
        ValueError, match=r"^op='conv4d' must be one of 'conv2d', 'conv1d', 'conv3d', 'conv2d_input'"
    ) as caught:
        load_target(name, "conv4d")
    assert not isinstance(caught.value, TargetError)


def test_a_function_is_what_it_is_for_any_operation() -> None:
    assert load_target("kernels:right", "conv3d") is kernels.right
    assert load_target(f"{KERNELS}:Namespace.conv2d", "conv2d_input").__name__ == "right"


def test_a_function_of_a_module() -> None:
    assert load_target("kernels:right") is kernels.right
    assert load_target("refconv.conv:conv2d") is refconv.conv2d


def test_a_function_inside_a_class() -> None:
    assert load_target("kernels:Namespace.conv2d") is kernels.right


def test_a_function_of_a_file() -> None:
    target = load_target(f"{KERNELS}:one_pixel_off")
    assert run_case(target, CASE).outcome == "failed"
    assert load_target(f"{KERNELS}:Namespace.conv2d").__name__ == "right"


def test_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "def f(): return 'relative'")
    monkeypatch.chdir(tmp_path)
    assert load_target("target.py:f")() == "relative"


def test_a_path_with_a_colon(tmp_path: Path) -> None:
    folder = tmp_path / "a:b"
    folder.mkdir()
    assert load_target(write(folder, "def f(): return 7") + ":f")() == 7


def test_a_module_of_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "def f(): return 'here'", "a_module_of_the_current_folder.py")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path not in ("", ".")])
    assert load_target("a_module_of_the_current_folder:f")() == "here"
    assert sys.path[0] == str(tmp_path)
    load_target("kernels:right")
    assert sys.path.count(str(tmp_path)) == 1


def test_a_file_may_be_called_like_a_framework(tmp_path: Path) -> None:
    name = write(tmp_path, "def conv2d(*arguments): return 'mine'", "scipy.py") + ":conv2d"
    assert load_target(name)() == "mine"
    assert load_target(name).__module__ == "_refconv_target_scipy"
    assert getattr(sys.modules.get("scipy"), "__file__", "") != str(tmp_path / "scipy.py")


def test_a_file_finds_what_lies_beside_it(tmp_path: Path) -> None:
    write(tmp_path, "VALUE = 5", "lies_beside_the_target.py")
    name = write(tmp_path, "from lies_beside_the_target import VALUE\ndef f(): return VALUE")
    assert load_target(name + ":f")() == 5


def test_a_file_imports_the_real_namesake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # a module of the standard library that nothing else here imports
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    name = write(tmp_path, "def f():\n    import colorsys\n    return colorsys.__file__", "colorsys.py") + ":f"
    assert load_target(name)() != str(tmp_path / "colorsys.py")


def test_a_file_may_hold_a_dataclass(tmp_path: Path) -> None:
    # dataclasses look their module up in sys.modules
    text = """
        from __future__ import annotations
        from dataclasses import dataclass, KW_ONLY
        @dataclass
        class Kernel:
            _: KW_ONLY
            size: int = 3
    """
    assert load_target(write(tmp_path, text) + ":Kernel")().size == 3


def test_a_file_is_run_once(tmp_path: Path) -> None:
    name = write(tmp_path, "def f(): pass") + ":f"
    assert load_target(name) is load_target(name)


def test_an_edited_file_is_run_again(tmp_path: Path) -> None:
    path = write(tmp_path, "def f(): return 1")
    assert load_target(path + ":f")() == 1
    before = os.stat(path).st_mtime_ns  # noqa: PTH116
    write(tmp_path, "def f(): return 22")
    os.utime(path, ns=(before + 10**9, before + 10**9))
    assert load_target(path + ":f")() == 22


def test_a_framework_is_loaded_once() -> None:
    pytest.importorskip("scipy", reason="scipy is not installed")
    assert load_target("scipy") is load_target("scipy")


@pytest.mark.parametrize("name", ["", "conv2d!", "no colon at all", ":function", "module:", ":"])
def test_what_is_no_name_at_all(name: str) -> None:
    assert refusal(name) == (
        f"target {name!r} must be one of {NAMES}, package.module:function, path/to/file.py:function or exec:PROGRAM"
    )


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("kernel.py", "kernel.py:conv2d"),
        ("torhc", "torch"),
        ("Scipy", "scipy"),
        ("tensorflow2", "tensorflow"),
        ("onnxrt", "onnx"),
    ],
)
def test_a_name_that_is_nearly_one(name: str, near: str) -> None:
    assert refusal(name).endswith(f"exec:PROGRAM; did you mean {near!r}?")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_such_module:f", "target 'no_such_module:f': there is no module 'no_such_module'"),
        ("no_such_package.module:f", "target 'no_such_package.module:f': there is no module 'no_such_package'"),
        ("refconv.no_such:f", "target 'refconv.no_such:f': there is no module 'refconv.no_such'"),
        ("kernels:rigth", "target 'kernels:rigth': kernels has no 'rigth'; did you mean 'right'?"),
        ("kernels:xyzzy", "target 'kernels:xyzzy': kernels has no 'xyzzy'"),
        (
            "kernels:Namespace.conv3d",
            "target 'kernels:Namespace.conv3d': kernels has no 'Namespace.conv3d'; did you mean 'conv2d'?",
        ),
        ("kernels:NOT_CALLABLE", "target 'kernels:NOT_CALLABLE': 'NOT_CALLABLE' is no callable, but of type int"),
        ("no/such/file.py:f", "target 'no/such/file.py:f': there is no file 'no/such/file.py'"),
    ],
)
def test_names_of_nothing(name: str, message: str) -> None:
    assert refusal(name) == message


def test_of_a_file_without_a_function_that_of_the_operation_is_near() -> None:
    assert refusal("kernel.py", "conv3d").endswith("; did you mean 'kernel.py:conv3d'?")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "folder.py").mkdir()
    assert "there is no file" in refusal(f"{tmp_path}/folder.py:f")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise RuntimeError('one\\ntwo')", "RuntimeError: one two"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("import no_such_module_here", "ModuleNotFoundError: No module named 'no_such_module_here'"),
        ("def f(:", "SyntaxError: invalid syntax"),
    ],
)
@pytest.mark.parametrize("kind", ["file", "module"])
def test_an_import_that_fails(text: str, why: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, text, "broken_target.py")
    monkeypatch.syspath_prepend(tmp_path)
    name = f"{path}:f" if kind == "file" else "broken_target:f"
    assert refusal(name).startswith(f"target {name!r} fails on import: {why}")
    assert "_refconv_target_broken_target" not in sys.modules
    assert refusal(name)  # a second time as well


def test_a_module_that_lacks_a_part_of_its_own_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half_package").mkdir()
    write(tmp_path / "half_package", "import half_package.missing", "__init__.py")
    monkeypatch.syspath_prepend(tmp_path)
    message = refusal("half_package:f")
    assert message == (
        "target 'half_package:f' fails on import: ModuleNotFoundError: No module named 'half_package.missing'"
    )


@pytest.mark.parametrize(
    ("name", "missing", "install"),
    [
        ("scipy", "scipy", "scipy"),
        ("torch", "torch", "torch"),
        ("jax", "jax", "jax"),
        ("onnxruntime", "onnxruntime", "onnxruntime onnx"),
        ("onnxruntime", "onnx", "onnxruntime onnx"),
        ("onnx", "onnx", "onnx"),
        ("tensorflow", "tensorflow", "tensorflow"),
    ],
)
def test_a_framework_that_is_not_installed(
    name: str, missing: str, install: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if missing == "onnx" and name == "onnxruntime":
        pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    for module in [module for module in sys.modules if module.partition(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(sys, "meta_path", [_Missing(missing), *sys.meta_path])
    expected = f"target {name!r} needs {missing}, which is not installed: pip install {install}"
    assert refusal(name) == expected


class _Missing:
    """An import hook by which a package is not installed."""

    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(self, name: str, *_: object) -> None:
        if name.partition(".")[0] == self.package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def test_a_framework_that_lacks_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    hook = _Missing("torch")
    monkeypatch.setattr(hook, "find_spec", _lacks_sympy)
    monkeypatch.setattr(sys, "meta_path", [hook, *sys.meta_path])
    assert refusal("torch") == "target 'torch' fails on import: ModuleNotFoundError: No module named 'sympy'"


def _lacks_sympy(name: str, path: object = None, target: object = None) -> None:
    if name == "torch":
        raise ModuleNotFoundError("No module named 'sympy'", name="sympy")


def test_a_framework_that_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        if name == "torch":
            raise OSError("libtorch.so:\nno such file")

    monkeypatch.delitem(sys.modules, "torch", raising=False)
    hook = _Missing("torch")
    monkeypatch.setattr(hook, "find_spec", find_spec)
    monkeypatch.setattr(sys, "meta_path", [hook, *sys.meta_path])
    assert refusal("torch") == "target 'torch' fails on import: OSError: libtorch.so: no such file"


def test_a_missing_framework_in_a_process_of_its_own() -> None:
    script = "import sys; sys.modules['torch'] = None; from refconv.testing import load_target; load_target('torch')"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1] == (
        "refconv.testing.targets.TargetError: target 'torch' needs torch, which is not installed: pip install torch"
    )


def test_a_target_error_is_a_value_error() -> None:
    assert issubclass(TargetError, ValueError)


class Callable:
    def __call__(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (kernels.right, "kernels:right"),
        (kernels.Namespace.conv2d, "kernels:right"),
        (kernels.Namespace, "kernels:Namespace"),
        (refconv.conv2d, "refconv.conv:conv2d"),
        (lambda: None, None),
        (functools.partial(kernels.right), None),
        (Callable(), None),
    ],
    ids=["function", "static method", "class", "of a package", "lambda", "partial", "object"],
)
def test_importable_name(target: Any, name: str | None) -> None:
    assert importable_name(target) == name


def test_local_functions_and_those_of_main_have_no_importable_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def local() -> None:
        """Do nothing."""

    assert importable_name(local) is None
    in_main: Any = functools.partial(local)
    in_main.__module__ = "__main__"
    in_main.__qualname__ = "in_main"
    monkeypatch.setattr(sys.modules["__main__"], "in_main", in_main, raising=False)
    assert importable_name(in_main) is None


def test_a_name_that_means_something_else_is_not_importable() -> None:
    @functools.wraps(kernels.right)
    def decorated(*arguments: Any) -> Any:
        return arguments

    assert importable_name(decorated) is None


def test_a_file_with_two_functions_is_run_once(tmp_path: Path) -> None:
    path = write(tmp_path, "RUNS = []\ndef f(*_): return RUNS\ndef g(*_): return RUNS\n")
    assert load_target(f"{path}:f")() is load_target(f"{path}:g")()


def test_two_colons_are_one_too_many() -> None:
    assert refusal("kernels.py::right") == "target 'kernels.py::right': did you mean 'kernels.py:right'?"


def test_a_target_that_cannot_be_called_as_the_operation_is_refused() -> None:
    def short(image: Any, weight: Any) -> None:
        """Take two arguments."""

    names = "input, weight, bias, stride, padding, dilation, groups"
    message = rf"^target 'short' cannot be called as conv2d\({names}\): too many positional arguments$"
    with pytest.raises(TargetError, match=message):
        check_signature("short", short, "conv2d")


def test_the_operation_that_a_target_is_named_after_is_offered() -> None:
    def conv_transpose2d(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any) -> None:
        """Take eight arguments."""

    with pytest.raises(TargetError, match=r"missing a required argument: 'h'; did you mean op='conv_transpose2d'\?$"):
        check_signature("t", conv_transpose2d, "conv2d")
    check_signature("t", conv_transpose2d, "conv_transpose2d")


def test_what_a_signature_does_not_tell_is_not_refused() -> None:
    @functools.wraps(lambda: None)
    def decorated(*arguments: Any) -> Any:
        return arguments

    check_signature("decorated", decorated, "conv2d")
    check_signature("print", print, "conv2d")
    check_signature("dict", dict, "conv2d")  # which has none


def test_the_operation_whose_arguments_a_target_takes_is_offered() -> None:
    def upsample(
        input: Any,
        weight: Any,
        bias: Any,
        stride: Any,
        padding: Any,
        output_padding: Any,
        groups: Any = 1,
        dilation: Any = 1,
    ) -> None:
        """Take what a transposed convolution takes, of which seven arguments would do."""

    def right(input: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: Any) -> None:
        """Take what convolutions over any number of axes take."""

    message = "target 't' takes the arguments of conv_transpose2d, not of conv2d; did you mean op='conv_transpose2d'?"
    with pytest.raises(TargetError, match=f"^{re.escape(message)}$"):
        check_signature("t", upsample, "conv2d")
    check_signature("t", upsample, "conv_transpose1d")  # whose arguments have the same names
    for op in ("conv1d", "conv2d", "conv3d"):
        check_signature("t", right, op)


def test_a_method_of_a_class_is_refused_and_that_of_an_object_is_not() -> None:
    class Layer:
        def conv2d(
            self, input: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: Any = 1
        ) -> None:
            """Take one argument more than it needs."""

    with pytest.raises(
        TargetError, match=r"^target 'Layer\.conv2d' is a method of a class; it must be a function, or an"
    ):
        check_signature("Layer.conv2d", Layer.conv2d, "conv2d")
    check_signature("conv2d", Layer().conv2d, "conv2d")


def test_a_module_that_is_a_file_is_offered_as_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "mine.py").write_text("def conv2d(*a): ...\ndef conv3d(*a): ...\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TargetError, match=r"there is no module 'path/mine'; did you mean 'path/mine.py:conv2d'\?$"):
        load_target("path/mine:conv2d")
    with pytest.raises(TargetError, match=r"path/mine.py has no 'nope'; it has conv2d, conv3d$"):
        load_target("path/mine.py:nope")


def test_a_file_has_its_own_name_unless_that_is_another_s(tmp_path: Path) -> None:
    own = write(tmp_path, "def f(): return __name__", "nobody_else_is_called_so.py")
    assert load_target(f"{own}:f")() == "nobody_else_is_called_so"  # by which Numba's cache looks it up
    assert sys.modules["nobody_else_is_called_so"].f is load_target(f"{own}:f")
    taken = write(tmp_path, "def f(): return __name__", "json.py")
    assert load_target(f"{taken}:f")() == "_refconv_target_json"
    odd = write(tmp_path, "def f(): return __name__", "not-a-name.py")
    assert load_target(f"{odd}:f")() == "_refconv_target_not-a-name"


def test_a_file_called_main_is_not_the_program_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)  # as of a script
    main = write(tmp_path, "def f(): return __name__", "__main__.py")
    assert load_target(f"{main}:f")() == "_refconv_target___main__"


def test_a_file_that_was_imported_is_not_run_again() -> None:
    assert load_target(f"{KERNELS}:right") is kernels.right
