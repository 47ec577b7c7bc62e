// From the file of a case to the file of its result: what stands between refconv and the kernel.
import { conv2d, outputs } from "./conv2d.js";
import { readCase, TYPES, writeResult } from "./safetensors.js";

export class Unsupported extends Error {}

const SUMS = { F32: "F32", F64: "F64", I8: "I32", U8: "I32" }; // in which type the sums of numbers are returned

export function runCase(path, result) {
  const { tensors: { input, weight, bias }, text } = readCase(path);
  const dtype = SUMS[input.dtype];
  if (!dtype) throw new Unsupported(input.dtype);
  if ([weight, bias].some((tensor) => tensor && tensor.dtype !== input.dtype)) throw new Unsupported("types that differ");
  if (input.shape.length !== 4) throw new Unsupported("an image without a batch");
  if (!/^-?\d/.test(text.padding)) throw new Unsupported(`padding ${text.padding}`);
  const numbers = (name) => text[name].split(" ").map(Number);
  const [stride, padding, dilation, [groups]] = ["stride", "padding", "dilation", "groups"].map(numbers);
  const [[batch, channels, ...size], [outChannels, each, ...taps]] = [input.shape, weight.shape];
  if (padding.length !== 4) throw new Error(`padding ${text.padding} must be four numbers`);
  const axes = [0, 1].map((a) => {
    const [before, after] = padding.slice(2 * a);
    return { size: size[a], taps: taps[a], stride: stride[a], dilation: dilation[a], before, after };
  });
  const isValid = (axis) => Math.min(axis.taps, axis.stride, axis.dilation, axis.before + 1, axis.after + 1) > 0;
  const fits = groups > 0 && each * groups === channels && outChannels % groups === 0;
  if (!fits || (bias && bias.shape[0] !== outChannels) || !axes.every((axis) => isValid(axis) && outputs(axis) > 0)) {
    throw new Error("these arguments do not go together");
  }
  const [rows, columns] = axes;
  const shape = [batch, outChannels, outputs(rows), outputs(columns)];
  const values = new TYPES[dtype](shape.reduce((a, b) => a * b));
  conv2d(input.values, weight.values, bias?.values, values, { batch, channels, outChannels, rows, columns, groups });
  writeResult(result, { dtype, shape, values });
}
