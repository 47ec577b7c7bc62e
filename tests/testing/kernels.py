"""Kernels, right and wrong, in a file of their own: child processes import them by name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Any, NoReturn

import numpy as np

import refconv

NOT_CALLABLE = 5
HANGS = 60.0  # seconds: longer than any time limit in these tests, shorter than a run of the suite


def right(image: Any, kernel: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: Any) -> Any:
    return refconv.conv2d(image, kernel, bias, stride, padding, dilation, groups)


class Namespace:
    """A function two dots away."""

    conv2d = staticmethod(right)


def one_pixel_off(*arguments: Any) -> Any:
    output = right(*arguments)
    output[..., -1, -1] += 1
    return output


def last_pixel_doubled(*arguments: Any) -> Any:
    output = right(*arguments)
    output[..., -1, -1] *= 2
    return output


def transposes(*arguments: Any) -> Any:
    """Be a transposed convolution, whose arguments have another order."""
    return refconv.conv_transpose2d(*arguments)


def transposes_by_name(
    image: Any, weight: Any, bias: Any, stride: Any, padding: Any, output_padding: Any, groups: Any, dilation: Any
) -> Any:
    return refconv.conv_transpose2d(image, weight, bias, stride, padding, output_padding, groups, dilation)


def sums_the_first_image_alone(*arguments: Any) -> Any:
    """Be a gradient of the weight that forgets all images but the first."""
    image, size, arriving, *rest = arguments
    first = slice(1) if image.ndim == 4 else slice(None)
    return refconv.grad.conv2d_weight(image[first], size, arriving[first], *rest)


def not_a_number(*arguments: Any) -> Any:
    return np.full_like(right(*arguments), np.nan)


def ignores_groups(image: Any, kernel: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: Any) -> Any:
    if groups != 1:
        raise NotImplementedError("one group at a time")
    return right(image, kernel, bias, stride, padding, dilation, groups)


def supports_nothing(*arguments: Any) -> NoReturn:
    raise NotImplementedError("not yet")


def accepts_everything(*arguments: Any) -> Any:
    try:
        return right(*arguments)
    except (ValueError, TypeError):
        return np.zeros((1, 1, 1, 1))


def raises(*arguments: Any) -> NoReturn:
    raise RuntimeError("line one\nline two\twith \x1b[31mred\x1b[0m")


def raises_at_length(*arguments: Any) -> NoReturn:
    raise RuntimeError(" ".join(["a message that goes on and on"] * 9))


def unsupported_at_length(*arguments: Any) -> NoReturn:
    raise NotImplementedError(" ".join(["a message that goes on and on"] * 9))


def exits(*arguments: Any) -> NoReturn:
    sys.exit("good bye")


def prints(*arguments: Any) -> Any:
    print("noise from Python")
    os.write(1, b"noise from C\n")
    return right(*arguments)


def mutates(*arguments: Any) -> Any:
    output = right(*arguments)
    for operand in arguments[:3]:
        if operand is not None and operand.flags.writeable:
            operand[...] = 0
    return output


def hangs(*arguments: Any) -> NoReturn:
    time.sleep(HANGS)
    raise AssertionError("nobody ended this process")


def _is_dilated(arguments: tuple[Any, ...]) -> bool:
    return bool(arguments[5] == (2, 3))  # one case of the smoke tier: DILATED in the tests


def hangs_when_dilated(*arguments: Any) -> Any:
    return hangs() if _is_dilated(arguments) else right(*arguments)


def reads_standard_input_when_dilated(*arguments: Any) -> Any:
    if _is_dilated(arguments):
        sys.stdin.read(1)
    return right(*arguments)


def forks_when_dilated(*arguments: Any) -> Any:
    if _is_dilated(arguments):
        os.fork()  # parent and child both go on, and both return
    return right(*arguments)


def leaves_a_process_behind(*arguments: Any) -> NoReturn:
    child = subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({HANGS})"])
    raise RuntimeError(f"process {child.pid}")


def closes_all_files_when_dilated(*arguments: Any) -> Any:
    if _is_dilated(arguments):
        os.closerange(0, 256)
    return right(*arguments)


def interrupts_when_dilated(*arguments: Any) -> Any:
    if _is_dilated(arguments):
        raise KeyboardInterrupt("by the target")
    return right(*arguments)


def segfaults_when_dilated(*arguments: Any) -> Any:
    if _is_dilated(arguments):
        os.kill(os.getpid(), signal.SIGSEGV)
    return right(*arguments)


def segfaults_when_signalled_by_number(*arguments: Any) -> Any:
    if _is_dilated(arguments):
        os.kill(os.getpid(), signal.SIGRTMIN + 1)  # a signal without a name
    return right(*arguments)


def exits_0_when_dilated(*arguments: Any) -> Any:
    if _is_dilated(arguments):
        os._exit(0)
    return right(*arguments)


def exits_3_when_dilated(*arguments: Any) -> Any:
    if _is_dilated(arguments):
        os._exit(3)
    return right(*arguments)


CALLS: list[int] = []


def dies_after_another_size(*arguments: Any) -> Any:
    CALLS.append(arguments[0].shape)
    if CALLS[0] != arguments[0].shape:
        os._exit(4)
    return right(*arguments)


def none_when_dilated(*arguments: Any) -> Any:
    return None if _is_dilated(arguments) else right(*arguments)


def tells_its_threads(*arguments: Any) -> NoReturn:
    raise RuntimeError(os.environ.get("OMP_NUM_THREADS", "all") + " " + os.environ.get("OPENBLAS_NUM_THREADS", "all"))


def tells_its_process(*arguments: Any) -> NoReturn:
    raise RuntimeError(f"process {os.getpid()}")


def hangs_with_a_process(*arguments: Any) -> NoReturn:
    subprocess.Popen(["sleep", str(HANGS)])
    hangs(*arguments)


def raises_what_steers_a_terminal(*arguments: Any) -> NoReturn:
    raise type("Bad\x1b[31m", (Exception,), {})("\x1b[0m")


def always_dies(*arguments: Any) -> NoReturn:
    os._exit(5)


def has_its_channels_last(image: Any, weight: Any, bias: Any, *steps: Any) -> Any:
    return np.moveaxis(right(np.moveaxis(image, -1, -3), weight.transpose(3, 2, 0, 1), bias, *steps), -3, -1)
