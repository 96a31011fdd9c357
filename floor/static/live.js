// Keeps a page up to date: one socket to the hall, and a slow poll while there is none.
//
// <body data-hall="demo" data-view="kiosk"> asks for a view. On document it dispatches
//   hall:frame    a frame of the socket, as it came (detail: the frame); hall:beat, every 10 s, with the hall's time
//   hall:poke     something of this view changed (detail: {view, offset})
//   hall:refresh  fetch your fragment now (after a poke, a reconnection, or every 5 s without a socket)
//   hall:lost / hall:back   what is shown may be old / the hall is there again
//   hall:ended    the sign-in behind this page has ended
// and sets <html data-link> to live (socket), slow (polling) or lost (neither), which the stylesheet reads.

const SILENT_MS = 25_000;   // the link beats every 10 s: two missed beats and a half
const POLL_MS = 5_000;
const JITTER_MS = 250;      // so that a hall of screens does not ask in the same instant

const root = document.documentElement;
const address = document.querySelector('meta[name="hall-link"]')?.content ?? "";
const { hall, view } = document.body.dataset;

let socket = null;
let heard = 0;
let tries = 0;
let refused = false;
let waiting = 0;
let watching = 0;

export function tell(name, detail = {}) {
  document.dispatchEvent(new CustomEvent(name, { detail }));
}

function show(state) {
  const before = root.dataset.link;
  if (before === state) return;
  root.dataset.link = state;
  if (state === "lost") tell("hall:lost");
  if (before === "lost") tell("hall:back");
}

export function refresh() {
  if (waiting) return;
  waiting = setTimeout(() => { waiting = 0; tell("hall:refresh"); }, Math.random() * JITTER_MS);
}

// Where a mirrored board stands in its feed; feed.js sets it so that a cut is made good without a new picture.
let position = null;
export function standAt(epoch, offset) { position = offset === null ? null : { epoch, offset }; }

// Begin anew without a position: the hall then sends the whole picture.
export function restart() {
  position = null;
  socket?.close();
}

function target() {
  const url = new URL("/pages/link", address);
  url.searchParams.set("hall", hall);
  url.searchParams.set("view", view);
  if (position) {
    url.searchParams.set("epoch", position.epoch);
    url.searchParams.set("offset", position.offset);
  }
  return url;
}

function receive(message) {
  heard = performance.now();
  show("live");
  const frame = JSON.parse(message.data);
  if (frame.type === "poke") { tell("hall:poke", frame); refresh(); }
  else tell(frame.type === "beat" ? "hall:beat" : "hall:frame", frame);
}

function dial() {
  const dialled = new WebSocket(target(), "hall.page.v1");
  let opened = 0;
  socket = dialled;
  dialled.onopen = () => {
    opened = heard = performance.now();
    show("live");
    refresh();
  };
  dialled.onmessage = receive;
  dialled.onclose = (closing) => {
    if (socket !== dialled) return;
    socket = null;
    if (closing.code === 4401) { refused = true; tell("hall:ended"); }
    if (opened && performance.now() - opened > 60_000) tries = 0;
    if (!refused) probe();
    if (!refused) setTimeout(dial, backOff(tries++));
  };
}

// Nothing more will happen here: close the socket and ask no more.
export function leave() {
  refused = true;
  clearInterval(watching);
  socket?.close();
}

// 1 s doubling to 32 s, with a random second each time.
export function backOff(attempt) {
  return 1000 * Math.min(2 ** attempt, 32) + Math.random() * 1000;
}

// Without a socket the hall is asked whether it is there: then the page fetches, else what it shows is old.
async function probe() {
  const there = await fetch("/readyz", { cache: "no-store", signal: AbortSignal.timeout(POLL_MS) }).then((answer) => answer.ok, () => false);
  if (socket?.readyState === WebSocket.OPEN) return;
  show(there ? "slow" : "lost");
  if (there) refresh();
}

function watch() {
  if (socket?.readyState !== WebSocket.OPEN) { probe(); return; }
  if (performance.now() - heard > SILENT_MS) { show("lost"); socket.close(); }
}

addEventListener("offline", () => show("lost"));
addEventListener("online", probe);

// Every module of the page has run by then: nobody misses the first frame.
addEventListener("DOMContentLoaded", () => {
  if (!view) return;
  root.dataset.link = "slow";
  if (address) dial();
  watching = setInterval(watch, POLL_MS);
});
