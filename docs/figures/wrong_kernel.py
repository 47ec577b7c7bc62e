"""What the wrong kernel of the first page reads, read off its outputs, beside what it should read."""

import re
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt

import refconv
from refconv.plots import plot_sampling

page = Path("..", "index.md").read_text(encoding="utf-8")
kernel: dict[str, Any] = {}
exec(re.findall(r"^```python\n(# mykernel\.py\n.*?)^```", page, re.MULTILINE | re.DOTALL)[0], kernel)  # noqa: S102

# Pixel (h, w) holds its number, 9·h + w, and each kernel is 1 at one tap: an output is the number of what it reads.
pixels = np.arange(6 * 9.0).reshape(1, 1, 6, 9)
taps = np.eye(9).reshape(9, 1, 3, 3)
right = refconv.conv2d(pixels, taps, None, (1, 1), (0, 0), (2, 3), 1)[0, :, 0, 0].astype(int)
figure, axes = plt.subplots(2, 1, figsize=(4, 5.4), layout="constrained")
for ax, function, title in zip(axes, (kernel["conv2d"], refconv.conv2d), ("reads", "should read"), strict=True):
    read = function(pixels, taps, None, (1, 1), (0, 0), (2, 3), 1)[0, :, 0, 0].astype(int)
    plot_sampling((6, 9), 1, ax=ax)
    ax.collections[-1].remove()  # the one tap of a 1×1 kernel
    ax.get_legend().remove()
    ax.scatter(read % 9, read // 9, s=60, c=np.where(read == right, "#0072B2", "#D55E00"), zorder=3)
    ax.set(title=f"what it {title}, at dilation (2, 3)", xlabel="column", ylabel="row")
