/** Reads [[name, program, program], …] from standard input; prints the names of those whose two programs differ. */

import {createRequire} from "node:module";
import {readFileSync} from "node:fs";

const {parse} = createRequire(new URL("../../client/package.json", import.meta.url))("acorn");

/** @param {string} text */
function tree(text) {
  const program = parse(text, {ecmaVersion: "latest", sourceType: "module", allowAwaitOutsideFunction: true});
  return JSON.stringify(program, (key, value) => {
    if (key === "start" || key === "end" || key === "raw") return undefined;
    return typeof value === "bigint" || value instanceof RegExp ? String(value) : value;
  });
}

for (const [name, one, other] of JSON.parse(readFileSync(0, "utf8"))) if (tree(one) !== tree(other)) console.log(name);
