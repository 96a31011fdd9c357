// Lets the team's page open without a net: its frame, its look and its words, nothing of any visit.
//
// The net comes first, for four seconds; what is kept is only for when it does not answer. Acts and the day's list pass
// through untouched: those are the page's own to keep, sealed.

const CACHE = "hall-field-1";
const PATIENCE_MS = 4_000;
const here = new URL(self.registration.scope).pathname;

const isOurs = (request, url) => request.method === "GET" && url.origin === self.location.origin
  && (url.pathname === here || url.pathname.startsWith("/static/"));

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

// The page asks for what it loaded before we were there.
self.addEventListener("message", (event) => {
  if (event.data?.keep) event.waitUntil(keepAll(event.data.keep).then(() => event.source?.postMessage("kept")));
});

async function keepAll(addresses) {
  const cache = await caches.open(CACHE);
  await Promise.all(addresses.map((address) => fetch(address, { cache: "no-cache" }).then((answer) => answer.ok && !answer.redirected && cache.put(keyOf(address), answer))));
}

// One page in three languages is three pages; anything else after the question mark is not.
function keyOf(address) {
  const url = new URL(address, self.location.origin);
  const lang = url.searchParams.get("lang");
  return url.pathname + (lang ? `?lang=${encodeURIComponent(lang)}` : "");
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (isOurs(request, new URL(request.url))) event.respondWith(answered(request));
});

async function answered(request) {
  const cache = await caches.open(CACHE);
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.ok && !answer.redirected) await cache.put(keyOf(request.url), answer.clone());
    if (answer.status < 500) return answer;
  } catch (cut) {
    console.info("no net", cut.name);
  }
  // A page told apart by language and sign-in for other caches is one page here.
  const kept = await cache.match(keyOf(request.url), { ignoreVary: true });
  if (kept || request.mode !== "navigate") return kept ?? Response.error();
  return await cache.match(here, { ignoreSearch: true, ignoreVary: true }) ?? Response.error();
}
