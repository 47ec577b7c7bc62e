// The target "serve:node conv.js": for each line, CASE, a tab, RESULT, a line back.
import { createInterface } from "node:readline";

import { runCase, Unsupported } from "./run_case.js";

for await (const line of createInterface({ input: process.stdin })) {
  try {
    runCase(...line.split("\t"));
    console.log("ok");
  } catch (error) {
    console.log(`${error instanceof Unsupported ? "unsupported" : "error"} ${error.message.replaceAll("\n", " ")}`);
  }
}
