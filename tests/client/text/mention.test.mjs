import assert from "node:assert/strict";
import {test} from "node:test";

import {mentionedIn, placesOf} from "../../../static/text/mention.js";

const MEMBERS = ["Ana", "Ana Ribeiro", "Bruno Sá", "Bruno Sá"].map((name, index) => ({id: index + 1, name, role: "student"}));

for (const [text, ids] of [
  ["@Ana vem?", [1]],
  ["@Ana Ribeiro vem?", [2]],
  ["(@Ana)", [1]],
  ["@Ana, @Ana Ribeiro e @Ana", [1, 2]],
  ["@Bruno Sá", [3, 4]],
  ["@Anabela", []],
  ["ana@Ana", []],
  ["@ana", []],
  ["Ana Ribeiro", []],
  ["@", []],
]) {
  test(`"${text}" mentions ${ids.join(" and ") || "nobody"}`, () => assert.deepEqual(mentionedIn(text, MEMBERS), ids));
}

test("a text mentions ten members at most", () => {
  const many = Array.from({length: 12}, (_, index) => ({id: index, name: `Aluno ${index + 10}`, role: "student"}));
  assert.equal(mentionedIn(many.map(({name}) => `@${name}`).join(" "), many).length, 10);
});

test("the place of a name has its sign", () => {
  assert.deepEqual(placesOf("Oi @Ana!", MEMBERS).map(({start, end}) => [start, end]), [[3, 7]]);
});
