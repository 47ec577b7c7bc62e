// VECTORS=DIR node --test: hold every case to its bound, and leave the results for refconv judge.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { runCase, Unsupported } from "./run_case.js";
import { readCase } from "./safetensors.js";

const folder = process.env.VECTORS ?? "vectors";
mkdirSync(join(folder, "results"), { recursive: true });

// Within its bound of the result, or equal to it, or both NaN; an infinite bound allows anything.
const isRight = (a, b, bound) => bound === Infinity || Math.abs(a - b) <= bound || Object.is(a, b) || a === b;

for (const name of readdirSync(join(folder, "cases"))) {
  test(name, (context) => {
    const [path, left] = ["cases", "results"].map((part) => join(folder, part, name));
    try {
      runCase(path, left);
    } catch (error) {
      if (error instanceof Unsupported) return context.skip(error.message);
      throw error;
    }
    const { result: want, bound } = readCase(path).tensors;
    const { result: got } = readCase(left).tensors;
    assert.deepEqual(got.shape, want.shape);
    const wrong = Array.from(got.values).filter((a, i) => !isRight(Number(a), Number(want.values[i]), bound.values[i]));
    assert.equal(wrong.length, 0, `${wrong.length} of ${got.values.length} elements wrong`);
  });
}
