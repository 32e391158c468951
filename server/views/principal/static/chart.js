/** Messages a minute as small bars: one path, so that five hundred charts stay light. */

import {svg} from "../../static/dom.js";

const HEIGHT = 28;
const STEP = 6;
const BAR = 4;
/** A minute with one message must be seen beside one with fifty. */
const LEAST = 2;

/** A chart, to be filled by `draw`. @param {number} minutes */
export function chart(minutes) {
  const width = minutes * STEP;
  return svg(
    "svg",
    {class: "chart", viewBox: `0 0 ${width} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true"},
    svg("path", {class: "base", d: `M0 ${HEIGHT - 0.5}H${width}`}),
    svg("path", {class: "bars"}),
  );
}

/** @param {Element} element @param {number[]} counts oldest first @param {number} top what a whole bar stands for */
export function draw(element, counts, top = Math.max(...counts)) {
  const bars = counts.map((count, index) => (count === 0 ? "" : bar(index, count / Math.max(1, top)))).join("");
  element.querySelector(".bars")?.setAttribute("d", bars);
}

/** @param {number} index @param {number} share */
function bar(index, share) {
  const height = Math.max(LEAST, Math.min(1, share) * (HEIGHT - 2));
  return `M${index * STEP + 1} ${HEIGHT}v${-height.toFixed(1)}h${BAR}v${height.toFixed(1)}z`;
}
