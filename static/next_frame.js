/**
 * Work that follows what arrives, at most once per frame: however many events come within one, the document changes once
 * and is laid out once. In a class of 25 messages a second that is most of what a slow phone has to do.
 */

/** A hidden page has no frames: there a timer runs the work, so that the title still counts. Browsers may make it 1 s. */
const HIDDEN_MS = 200;

/** @type {Set<() => void>} */
const waiting = new Set();
/** @type {(() => void) | null} */
let callOff = null;

/**
 * Return a function that has `run` called in the next frame; several calls until then are one.
 * @param {() => void} run
 */
export function oncePerFrame(run) {
  return () => {
    waiting.add(run);
    callOff ??= soon();
  };
}

function soon() {
  if (document.visibilityState === "visible") {
    const frame = requestAnimationFrame(runAll);
    return () => cancelAnimationFrame(frame);
  }
  const timer = setTimeout(runAll, HIDDEN_MS);
  return () => clearTimeout(timer);
}

function runAll() {
  callOff?.();
  callOff = null;
  const runs = [...waiting];
  waiting.clear();
  for (const run of runs) {
    try {
      run();
    } catch (error) {
      reportError(error); // the others go on
    }
  }
}

// A frame that was asked for does not come while the page is hidden.
document.addEventListener("visibilitychange", () => waiting.size > 0 && runAll());
