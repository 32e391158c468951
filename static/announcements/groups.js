/**
 * Groups of classes that one announces to at once: those of a grade, as the school's roster says, and those whose titles begin
 * alike ("6º A · Matemática", "6º A · História").
 */

import {_} from "../language.js";

/** What stands between a group and a subject. */
const SEPARATOR = /\s+[·•|–-]\s+/;

/** @typedef {{id: number, title: string, grade?: string}} Classroom */
/** @typedef {{name: string, classes: Classroom[]}} Group */

/** The groups of more than one class, grades first. @param {Classroom[]} classes @returns {Group[]} */
export function groupsOf(classes) {
  const grades = grouped(classes, gradesOf).map(({name, classes: its}) => ({name: gradeName(name), classes: its}));
  const beginnings = grouped(classes, ({title}) => (SEPARATOR.test(title) ? [title.split(SEPARATOR)[0]] : []));
  return [...grades, ...beginnings].filter(({classes: its}) => its.length > 1 && its.length < classes.length);
}

/** @param {Classroom[]} classes @param {(one: Classroom) => string[]} namesOf */
function grouped(classes, namesOf) {
  /** @type {Map<string, Classroom[]>} */
  const groups = new Map();
  for (const one of classes) for (const name of namesOf(one)) groups.set(name, [...(groups.get(name) ?? []), one]);
  return [...groups].map(([name, its]) => ({name, classes: its}));
}

/** A class may be for several grades: "06,07". @param {Classroom} classroom */
function gradesOf({grade = ""}) {
  return [...new Set(grade.split(",").map((each) => each.trim()).filter((each) => each !== "" && !each.endsWith("…")))];
}

/** OneRoster writes "06". @param {string} grade */
function gradeName(grade) {
  return /^\d+$/.test(grade) ? _("Grade {grade}", {grade: String(Number(grade))}) : grade;
}
