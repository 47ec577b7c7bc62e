"""What a wrong kernel reads, read off its outputs, beside what it should read."""

import re
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

import refconv
from refconv.plots import plot_sampling
from refconv.testing import check

landing = Path("..", "index.md").read_text(encoding="utf-8")
names: dict = {}
exec(re.search(r"^# mykernel\.py\n.*?(?=^```)", landing, re.MULTILINE | re.DOTALL)[0], names)  # noqa: S102
report = check(names["conv2d"], "smoke")

# Pixel (h, w) holds its number 13·h + w, and the kernel is 1 at one tap: the output is the number of the pixel it reads.
pixels = np.arange(12 * 13.0).reshape(1, 1, 12, 13)
taps = np.eye(9).reshape(9, 1, 3, 3)
figure, axes = plt.subplots(1, 2, figsize=(6.4, 3.4), layout="constrained", sharey=True)
for ax, kernel, title in zip(axes, (names["conv2d"], refconv.conv2d), ("what it reads", "what it should read"), strict=True):
    read = kernel(pixels, taps, None, (1, 1), (0, 0), (2, 3), 1)[0, :, 2, 2].astype(int)
    plot_sampling((12, 13), 1, ax=ax)
    ax.collections[-1].remove()
    ax.get_legend().remove()
    ax.scatter(read % 13, read // 13, s=60, color="#0072B2", zorder=3)
    ax.set(title=title, xlabel="column")
axes[1].set_ylabel("")
figure.suptitle(report.headline(), fontsize=10)
