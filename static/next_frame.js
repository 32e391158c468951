/**
 * Work that follows what arrives, at most once per frame: however many events come within one, the document changes once
 * and is laid out once. In a class of 25 messages a second that is most of what a slow phone has to do.
 *
 * The first to come is at once, the next after the frame that shows it. Nothing runs in a frame: what scrolls there has its
 * scroll event in another one, and each frame costs a desktop 1 to 2 ms, whatever has changed.
 */

/** A hidden page has no frames: there a timer runs the work, so that the title still counts. Browsers may make it 1 s. */
const HIDDEN_MS = 200;
/** @type {Set<() => void>} */
const waiting = new Set();
let isPlanned = false;
/** Whether the frame that shows the last run is still to come. */
let isFrameDue = false;

/**
 * Return a function that has `run` called before the next frame; several calls until then are one.
 * @param {() => void} run
 */
export function oncePerFrame(run) {
  return () => {
    waiting.add(run);
    if (!isPlanned) plan();
  };
}

function plan() {
  isPlanned = true;
  if (document.visibilityState !== "visible") setTimeout(runAll, HIDDEN_MS);
  else if (!isFrameDue) queueMicrotask(runAll);
}

function framePassed() {
  isFrameDue = false;
  if (isPlanned) setTimeout(runAll);
}

/**
 * Return a function that has `run` called at once, and then at most once in so many ms, the last call included.
 * @param {number} ms @param {() => void} run
 */
export function atMostEvery(ms, run) {
  let last = -ms;
  let timer = 0;
  const runNow = () => {
    timer = 0;
    last = performance.now();
    run();
  };
  return () => {
    const wait = last + ms - performance.now();
    if (timer === 0 && wait <= 0) runNow();
    else if (timer === 0) timer = window.setTimeout(runNow, wait);
  };
}

/** What they cause in turn runs with them, each once. */
function runAll() {
  isPlanned = false;
  if (waiting.size === 0) return;
  isFrameDue = document.visibilityState === "visible";
  if (isFrameDue) requestAnimationFrame(framePassed);
  /** @type {Set<() => void>} */
  const done = new Set();
  for (const run of waiting) {
    if (done.has(run)) continue;
    waiting.delete(run);
    done.add(run);
    try {
      run();
    } catch (error) {
      reportError(error); // the others go on
    }
  }
  isPlanned = waiting.size > 0;
  if (isPlanned) plan();
}

// A frame that was asked for does not come while the page is hidden.
document.addEventListener("visibilitychange", () => {
  isFrameDue = false;
  runAll();
});
