/**
 * Work that follows what arrives, at most ten times a second: however many events come meanwhile, the document changes once
 * and is laid out once. In a class of 25 messages a second that is most of what a page has to do.
 *
 * The first to come is at once, the next after the frame that shows it and GATHER_MS. Nothing runs in a frame: what scrolls
 * there has its scroll event in another one, and each frame costs a desktop 1 to 2 ms, whatever has changed.
 */

/** People take for immediate what comes within a tenth of a second (Card, Moran and Newell, 1983). */
const GATHER_MS = 100;

/** In place of a frame, where none is asked for. */
const FRAME_MS = 17;
/** So much longer is waited for another call, in a lively lesson one comes by then. */
const SHARE_MS = 250;
/** A hidden page has no frames: there a timer runs the work, so that the title still counts. Browsers may make it 1 s. */
const HIDDEN_MS = 200;
/** @type {Set<() => void>} */
const waiting = new Set();
/** Those that seldom change the document. @type {WeakSet<() => void>} */
const quiet = new WeakSet();
let isPlanned = false;
/** Whether the frame that shows the last run, or GATHER_MS after it, is still to come. */
let isHeld = false;

/**
 * Return a function that has `run` called at once or with what else waits; several calls until then are one. What is quiet
 * seldom changes the document: alone it asks for no frame, which costs half a millisecond even where nothing has changed.
 * @param {() => void} run
 * @param {{isQuiet?: boolean}} options
 */
export function throttled(run, {isQuiet = false} = {}) {
  if (isQuiet) quiet.add(run);
  return () => {
    waiting.add(run);
    if (!isPlanned) plan();
  };
}

function plan() {
  isPlanned = true;
  if (document.visibilityState !== "visible") setTimeout(runAll, HIDDEN_MS);
  else if (!isHeld) queueMicrotask(runAll);
}

/** @param {boolean} isQuiet */
function waitForFrame(isQuiet) {
  if (isQuiet) setTimeout(waitPassed, FRAME_MS);
  else requestAnimationFrame(() => setTimeout(waitPassed, GATHER_MS));
}

function waitPassed() {
  isHeld = false;
  if (isPlanned) runAll();
}

/**
 * Return a function that has `run` called at once, and then at most once in so many ms, the last call included. It runs
 * within a call where one comes in time, so that what it changes shares that call's frame.
 * @param {number} ms @param {() => void} run
 */
export function atMostEvery(ms, run) {
  let last = -ms;
  let timer = 0;
  const runNow = () => {
    clearTimeout(timer);
    timer = 0;
    last = performance.now();
    run();
  };
  return () => {
    const wait = last + ms - performance.now();
    if (wait <= 0) runNow();
    else if (timer === 0) timer = window.setTimeout(runNow, wait + SHARE_MS);
  };
}

/** What they cause in turn runs with them, each once. */
function runAll() {
  isPlanned = false;
  if (waiting.size === 0) return;
  isHeld = document.visibilityState === "visible";
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
  if (isHeld) waitForFrame([...done].every((run) => quiet.has(run)));
  isPlanned = waiting.size > 0;
  if (isPlanned) plan();
}

// A frame that was asked for does not come while the page is hidden.
document.addEventListener("visibilitychange", () => {
  isHeld = false;
  runAll();
});
