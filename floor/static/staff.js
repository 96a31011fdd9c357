// What every staff page shares: clocks that run, keys that press their button, tables that sort, and acts that are
// sent until the hall has answered.

import { backOff } from "./live.js";
import { say } from "./toast.js";

const TRY_MS = 8_000;          // one try of an act; the press id makes the next try harmless
const root = document.documentElement;
let skew = 0;                  // the hall's clock minus this one, ms

// --- acts ------------------------------------------------------------------------------------------------------
// A form with data-act is answered once: a lost connection or a hall that is away is retried with the same press id,
// under a grey veil. While one is out, no other act leaves and no refresh may show an older floor.
// A look back at the day goes before every refresh, and waits only for an act: no refresh leaves meanwhile, and one under
// way is given up (hx-sync of the form), or it would draw now over the minute asked for.

let acting = 0;                // acts begun so far
let pending = null;
let looking = null;
let owed = null;               // the slider of a look that an act has put off

const isAct = (element) => element?.matches?.("form[data-act]");
const isLook = (element) => element?.matches?.("form[data-rewind]");
const isRefresh = (ctx) => ["hall:refresh", "every"].includes(ctx.sourceEvent?.type);

document.addEventListener("htmx:config:request", (event) => {
  const { ctx } = event.detail;
  if (isLook(ctx.sourceElement)) {
    if (pending) { owed = ctx.sourceElement; event.preventDefault(); return; }
    looking = ctx;
    return;
  }
  if (!isAct(ctx.sourceElement)) {
    if (isRefresh(ctx) && (pending || looking)) event.preventDefault();
    ctx.begun = acting;
    return;
  }
  if (pending) { event.preventDefault(); return; }
  if (looking) { owed = looking.sourceElement; looking.request.abort(); }
  acting += 1;
  pending = ctx;
  ctx.form = ctx.sourceElement;   // the answer may leave the form out of the page, and then htmx names another source
  ctx.request.timeout = 0;
  ctx.fetch = sendUntilAnswered;
});

document.addEventListener("htmx:after:request", (event) => {
  const { ctx } = event.detail;
  if (isRefresh(ctx) && ctx.begun !== acting) event.preventDefault();
});

document.addEventListener("htmx:finally:request", (event) => {
  const { ctx } = event.detail;
  if (ctx === looking) { looking = null; sliding = owed !== null; }
  if (ctx !== pending) return;
  pending = null;
  veil(false);
  owed?.querySelector("input[type=range]").dispatchEvent(new Event("input", { bubbles: true }));
  owed = null;
});

// What an act said stays long enough to be read, whatever is refreshed meanwhile; what was done leaves an empty form.

const SAID_MS = 6_000;
let forgetting = 0;

document.addEventListener("htmx:before:swap", (event) => {
  if (event.detail.ctx?.form) forget();
});

document.addEventListener("htmx:after:swap", (event) => {
  const { ctx } = event.detail;
  if (!ctx?.form) return;
  closeSheets();
  const sentence = document.getElementById("sentence");
  if (!sentence?.classList.contains("is-fault")) ctx.form.reset();
  if (!sentence?.textContent.trim()) return;
  told(sentence).setAttribute("hx-morph-skip", "");
  forgetting = setTimeout(forget, SAID_MS);
});

// Where the page has a line for it, the sentence stands there beside the way to take the act back.
function told(sentence) {
  return document.getElementById("told") ?? sentence;
}

function forget() {
  clearTimeout(forgetting);
  told(document.getElementById("sentence"))?.removeAttribute("hx-morph-skip");
}

async function sendUntilAnswered(address, request) {
  for (let tries = 0; ; tries += 1) {
    try {
      const answer = await fetch(address, { ...request, signal: AbortSignal.timeout(TRY_MS) });
      if (answer.status < 502) return answer;
    } catch (lost) {
      if (lost instanceof TypeError === false && lost.name !== "TimeoutError") throw lost;
    }
    veil(true);
    await new Promise((again) => { setTimeout(again, Math.min(backOff(tries), 5_000)); });
  }
}

function veil(on) {
  const cloth = document.getElementById("veil");
  if (cloth) cloth.hidden = !on;
}

function closeSheets() {
  document.querySelectorAll("[popover]:popover-open").forEach((sheet) => sheet.hidePopover());
}

// Signed out meanwhile: sign in and come back. Signed in as somebody else in another tab: the page is drawn anew for them.
// Any other refusal of a whole request is told in the hall's own sentence.

document.addEventListener("htmx:response:error", (event) => {
  const { ctx } = event.detail;
  if (ctx.response.status === 401) askToSignIn();
  else if (ctx.response.status === 403) location.reload();
  else if (ctx.form) say(detailOf(ctx.text), { fault: true });
});

function detailOf(text) {
  try { return JSON.parse(text).detail; } catch { return document.title; }
}

function askToSignIn() {
  location.assign(`/signin?next=${encodeURIComponent(location.pathname)}`);
}

// A page left alone without its sign-in asks for it again, and comes back here.
document.addEventListener("hall:ended", askToSignIn);

// --- clocks ----------------------------------------------------------------------------------------------------

function setClock() {
  const now = document.querySelector("[data-now]")?.dataset.now;
  if (now && now !== setClock.last) { setClock.last = now; skew = Date.parse(now) - Date.now(); }
}

function asClock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(whole / 60);
  const tail = String(whole % 60).padStart(2, "0");
  return minutes < 60 ? `${minutes}:${tail}` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${tail}`;
}

function runClocks() {
  const now = Date.now() + skew;
  for (const clock of document.querySelectorAll("[data-since]")) {
    clock.textContent = asClock((now - Date.parse(clock.dataset.since)) / 1000);
  }
  for (const clock of document.querySelectorAll("[data-ends]")) {
    clock.textContent = asClock((Date.parse(clock.dataset.ends) - now) / 1000);
  }
  for (const button of document.querySelectorAll("[data-until], [data-before]")) {   // shut until then, or open before
    const { until, before } = button.dataset;
    const left = Math.ceil((Date.parse(until ?? before) - now) / 1000);
    button.disabled = until ? left > 0 : left <= 0;
    const shown = button.querySelector("[data-left]");
    if (shown) shown.textContent = left > 0 ? left : "";
  }
  for (const wall of document.querySelectorAll("[data-wall-clock]")) {
    wall.textContent = new Date(now).toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit", timeZone: wall.dataset.wallClock });
  }
}

document.addEventListener("htmx:after:settle", () => { setClock(); runClocks(); });
setClock();
runClocks();
setInterval(runClocks, 500);

// --- the day slid back --------------------------------------------------------------------------------------------
// The minute under the thumb is told while it moves; the board of that minute follows. The day grows under a page left
// open, but never while somebody slides. Leaving the past loads the page anew.

let sliding = false;

function tellMinute(slider) {
  const { rewind, zone } = slider.form.dataset;
  const at = new Date(Date.parse(rewind) + 60_000 * Number(slider.value));
  const told = at.toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit", timeZone: zone });
  slider.form.querySelector("output").textContent = told;
  slider.setAttribute("aria-valuetext", told);
}

function growDay() {
  const slider = document.querySelector("form[data-rewind] input[type=range]");
  const day = document.querySelector("[data-low]")?.dataset;
  if (!slider || !day || sliding) return;
  slider.form.dataset.rewind = day.began;
  Object.assign(slider, { min: day.low, max: day.high });
  if (day.past === undefined) slider.value = day.high;
  slider.form.hidden = false;
  tellMinute(slider);
}

document.addEventListener("input", (event) => {
  if (!event.target.form?.dataset.rewind) return;
  sliding = true;
  tellMinute(event.target);
});
document.addEventListener("htmx:after:settle", growDay);
growDay();

// --- keys ------------------------------------------------------------------------------------------------------
// The letter on a button presses it. In an open sheet only its own keys count; in a field, letters are letters.

const SETTLE_MS = 350;         // a second tap of the same key this soon was meant for the page before
let changed = -Infinity;
document.addEventListener("htmx:after:swap", (event) => { if (event.detail.ctx?.form) changed = performance.now(); });

const typing = (element) => element?.matches?.("input:not([type=radio]), textarea, select");

document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typing(event.target)) return;
  const sheet = document.querySelector("[popover]:popover-open");
  if (event.key === " " && !sheet && event.target.matches?.("button:focus-visible, a:focus-visible, summary:focus-visible")
      && event.target.dataset.key !== " ") return;
  const named = (sheet ?? document).querySelectorAll(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  const button = [...named].find((found) => sheet || !found.closest("[popover]"));
  if (!button) return;
  event.preventDefault();
  if (!button.disabled && performance.now() - changed > SETTLE_MS) button.click();
});

// --- tables ----------------------------------------------------------------------------------------------------
// A click on a heading sorts, a second one turns the order round; the choice outlives a refresh.

const orders = new Map();

document.addEventListener("click", (event) => {
  const heading = event.target.closest?.("th[data-sort]");
  if (!heading) return;
  const table = heading.closest("table");
  const before = orders.get(table.id);
  orders.set(table.id, { column: heading.cellIndex, down: before?.column === heading.cellIndex ? !before.down : true });
  sort(table);
});

function sort(table) {
  const order = orders.get(table.id);
  if (!order) return;
  const worth = (row) => row.cells[order.column].dataset.value ?? row.cells[order.column].textContent.trim();
  const rows = [...table.tBodies[0].rows].sort((a, b) =>
    worth(a).localeCompare(worth(b), "zh-CN", { numeric: true }) * (order.down ? -1 : 1));
  table.tBodies[0].append(...rows);
  for (const heading of table.tHead.rows[0].cells) {
    heading.ariaSort = heading.cellIndex === order.column ? (order.down ? "descending" : "ascending") : null;
  }
}

document.addEventListener("htmx:after:swap", () => orders.forEach((_, id) => {
  const table = document.getElementById(id);
  if (table) sort(table);
}));

root.dataset.script = "on";
