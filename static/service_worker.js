/**
 * The service worker: where a page cannot be reached, shows the one that it has kept for that, and otherwise does nothing.
 * It keeps only what is the same for everybody; signing out empties that, too.
 *
 * The server writes `self.SHELL` above it: the release, the page, the page's files. With another release the file is another one,
 * so that browsers install it anew, and it forgets what the one before it kept.
 */

/** @typedef {{version: string, page: string, files: string[]}} Shell */

/** @type {any} ServiceWorkerGlobalScope, whose types exclude those of pages */
const worker = self;
const {version, page, files} = /** @type {Shell} */ (worker.SHELL);
const CACHE = `lousa-${version}`;
const SIGN_OUT = "/accounts/sign-out";
/** What a proxy says whose server is away. */
const BAD_GATEWAY = [502, 504];

async function keep() {
  const cache = await caches.open(CACHE);
  if ((await cache.keys()).length > files.length) return;
  await cache.addAll([page, ...files].map((address) => new Request(address, {credentials: "omit", cache: "no-cache"})));
}

async function forgetOthers() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
}

/** @param {string} address */
function kept(address) {
  return caches.match(address, {ignoreVary: true});
}

/** @param {any} event */
async function answerNavigation(event) {
  try {
    const answer = (await event.preloadResponse) ?? (await fetch(event.request));
    return BAD_GATEWAY.includes(answer.status) ? (await kept(page)) ?? answer : answer;
  } catch (error) {
    // A form that could not be sent is not sent again by a reload.
    if (event.request.method !== "GET") return Response.redirect(page, 303);
    const found = await kept(page);
    if (found === undefined) throw error;
    return found;
  }
}

/** @param {Request} request */
async function answerFile(request) {
  return (await kept(request.url)) ?? fetch(request);
}

worker.addEventListener("install", (/** @type {any} */ event) => {
  worker.skipWaiting();
  event.waitUntil(keep());
});

worker.addEventListener("activate", (/** @type {any} */ event) => {
  event.waitUntil(Promise.all([forgetOthers(), worker.clients.claim(), worker.registration.navigationPreload?.enable()]));
});

/** A page that is signed in asks for it, after a sign-out has emptied it. */
worker.addEventListener("message", (/** @type {any} */ event) => {
  if (event.data === "keep") event.waitUntil(keep().catch(() => {}));
});

worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const {request} = event;
  const {pathname} = new URL(request.url);
  if (pathname === SIGN_OUT) event.waitUntil(caches.delete(CACHE));
  if (request.mode === "navigate") event.respondWith(answerNavigation(event));
  else if (request.method === "GET" && files.includes(pathname)) event.respondWith(answerFile(request));
});
