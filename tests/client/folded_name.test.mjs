import assert from "node:assert/strict";
import {test} from "node:test";

import {finder, namesake} from "../../static/folded_name.js";

const SAME = [
  ["turma 12", "Turma 12"],
  ["historia", "História"],
  ["HISTÓRIA", "Histo\u0301ria"],
  ["6o a", "6º A"],
  ["6° a", "6º A"],
  ["6 a", "6º A"],
  ["6ºA", "6º A"],
  ["1a série", "1ª Série"],
  ["1 serie", "1ª Série"],
  ["6º a matematica", "6º A · Matemática"],
  ["straße", "STRAßE"],
];

for (const [typed, name] of SAME) {
  test(`"${typed}" is the name ${name}`, () => assert.ok(namesake(typed)(name)));
}

for (const [typed, name] of [["turma 1", "Turma 12"], ["6º B", "6º A"], ["7 A", "6º A"], ["", "6º A"], ["·", "6º A"], ["", ""]]) {
  test(`"${typed}" is not the name ${name}`, () => assert.ok(!namesake(typed)(name)));
}

for (const [typed, name] of [["6a mat", "6º A · Matemática"], ["matematica 6", "6º A · Matemática"], ["ist", "História"], ["", "6º A"], ["6o", "6º A"], ["mat, 6", "6º A · Matemática"]]) {
  test(`"${typed}" finds ${name}`, () => assert.ok(finder(typed)(name)));
}

for (const [typed, name] of [["matematica 7", "6º A · Matemática"], ["geo", "6º A · Matemática"], ["turma 29", "Turma 129"], ["29 turma", "Turma 129"]]) {
  test(`"${typed}" does not find ${name}`, () => assert.ok(!finder(typed)(name)));
}
