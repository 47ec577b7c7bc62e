// Read a case and write a result, with Node alone: eight bytes, a header in JSON, little-endian numbers.
import { readFileSync, writeFileSync } from "node:fs";

export const TYPES = {
  F64: Float64Array, F32: Float32Array, I64: BigInt64Array, I32: Int32Array, I8: Int8Array, U8: Uint8Array,
};

// { tensors: { input: { dtype, shape, values } }, text: { stride: "2 1" } }; values of other types are undefined.
export function readCase(path) {
  const bytes = readFileSync(path);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const { __metadata__: text = {}, ...entries } = JSON.parse(bytes.toString("utf8", 8, start));
  const tensors = {};
  for (const [name, { dtype, shape, data_offsets: [first, end] }] of Object.entries(entries)) {
    const data = bytes.buffer.slice(bytes.byteOffset + start + first, bytes.byteOffset + start + end);
    tensors[name] = { dtype, shape, values: TYPES[dtype] && new TYPES[dtype](data) };
  }
  return { tensors, text };
}

export function writeResult(path, { dtype, shape, values }) {
  const header = Buffer.from(JSON.stringify({ result: { dtype, shape, data_offsets: [0, values.byteLength] } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  writeFileSync(path, Buffer.concat([length, header, Buffer.from(values.buffer)]));
}
