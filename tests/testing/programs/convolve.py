"""A program as somebody writes one, with nothing but the standard library: a case in, a result out; or a mishap.

``python convolve.py WHAT CASE RESULT`` for one case; ``python convolve.py WHAT`` for a line for each.
"""

from __future__ import annotations

import json
import math
import os
import signal
import struct
import sys
import time
from pathlib import Path
from typing import Any

LETTERS = {"F32": "f", "F64": "d", "I8": "b", "U8": "B"}


def read(path: str) -> tuple[dict[str, tuple[list[int], list[float]]], dict[str, str], str]:
    data = Path(path).read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    text = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        letter = LETTERS.get(entry["dtype"])
        if letter is None:
            raise NotImplementedError(f"{entry['dtype']} is not supported")
        numbers = struct.unpack(
            f"<{math.prod(entry['shape'])}{letter}", data[slice(*(start + o for o in entry["data_offsets"]))]
        )
        tensors[name] = entry["shape"], list(numbers)
    return tensors, text, header["weight"]["dtype"]


def write(path: str, dtype: str, shape: list[int], numbers: list[float], name: str = "result") -> None:
    data = struct.pack(f"<{len(numbers)}{LETTERS[dtype]}", *numbers)
    header = json.dumps({name: {"dtype": dtype, "shape": shape, "data_offsets": [0, len(data)]}}).encode()
    Path(path).write_bytes(struct.pack("<Q", len(header)) + header + data)


def convolve(case: str, result: str, what: str) -> None:  # as somebody writes it
    tensors, text, dtype = read(case)
    if not text["padding"][0].isdigit() or len(tensors["input"][0]) == 3 or dtype in ("I8", "U8"):
        raise NotImplementedError("numbers, a batch and floats only")
    (stride, padding, dilation) = ([int(n) for n in text[name].split()] for name in ("stride", "padding", "dilation"))
    groups = int(text["groups"])
    if min(*stride, *dilation, groups) < 1:
        raise ValueError(f"stride {stride}, dilation {dilation}, groups {groups}")
    (n, c, *size), x = tensors["input"]
    (o, per_group, *taps), w = tensors["weight"]
    _, b = tensors.get("bias", ([o], [0.0] * o))
    if per_group * groups != c or o % groups or len(b) != o:
        raise ValueError("these channels do not fit")
    p, q = (
        (size[i] + padding[2 * i] + padding[2 * i + 1] - dilation[i] * (taps[i] - 1) - 1) // stride[i] + 1
        for i in (0, 1)
    )
    if min(p, q, *taps) < 1:
        raise ValueError("the kernel is larger than the image")

    steps = (dilation[0], dilation[0] if what == "dilation" else dilation[1])

    def element(image: int, channel: int, row: int, column: int) -> float:
        total = b[channel]
        first = channel // (o // groups) * per_group
        for i in range(taps[0]):
            for j in range(taps[1]):
                h = stride[0] * row + steps[0] * i - padding[0]
                v = stride[1] * column + steps[1] * j - padding[2]
                if 0 <= h < size[0] and 0 <= v < size[1]:
                    for k in range(per_group):
                        weight = w[((channel * per_group + k) * taps[0] + i) * taps[1] + j]
                        total += weight * x[((image * c + first + k) * size[0] + h) * size[1] + v]
        return total

    places = ((a, d, e, f) for a in range(n) for d in range(o) for e in range(p) for f in range(q))
    write(result, dtype, [n, o, p, q], [element(*place) for place in places], "output" if what == "name" else "result")


def mishap(what: str, result: str) -> None:
    if what == "hangs":
        time.sleep(60)
    if what == "dies":
        os.kill(os.getpid(), signal.SIGSEGV)
    if what == "ends":
        sys.exit(5)
    if what == "garbage":
        Path(result).write_bytes(b"garbage")
    if what == "chatters":
        print("chatter on standard output")


def main() -> int:
    what, *paths = sys.argv[1:]
    if paths:
        case, result = paths
        mishap(what, result)
        if what in ("garbage", "nothing"):
            return 0
        try:
            convolve(case, result, what)
        except NotImplementedError as error:
            print(error, file=sys.stderr)
            return 77
        except ValueError as error:
            print(error, file=sys.stderr)
            return 3
        return 0
    for line in sys.stdin:
        case, result = line.rstrip("\n").split("\t")
        mishap(what, result)
        answer: Any = "ok"
        try:
            convolve(case, result, what)
        except NotImplementedError as error:
            answer = f"unsupported {error}"
        except ValueError as error:
            answer = f"error {error}"
        print(answer, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
