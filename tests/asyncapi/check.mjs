// Reads an AsyncAPI document from the standard input; says what AsyncAPI's own parser has against it, and fails if that
// is more than a hint.

import { Parser } from "@asyncapi/parser";
import { text } from "node:stream/consumers";

const HINT = 2; // 0: error, 1: warning

const { document, diagnostics } = await new Parser().parse(await text(process.stdin));
for (const { severity, code, path, message } of diagnostics) {
  console.log(severity, code, path.join("/"), message);
}
process.exitCode = document && diagnostics.every(({ severity }) => severity >= HINT) ? 0 : 1;
