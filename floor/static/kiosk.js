// The kiosk by itself: its clock, the way back to the first screen, and a take that survives a cut.

import { dateWords, timeWords } from "./clock.js";
import { typing } from "./typing.js";

const IDLE_S = 20;      // a screen to read says its own patience in data-idle
const TAKE_S = 20;      // an answer that was cut off is asked for again for so long: the same press gives the same number
const AGAIN_MS = 1500;
const LOOK_S = 20;      // doors open and close by the clock, and machines go dark: nobody's act that would be told
const PATIENCE_MS = 8000;

const screen = document.getElementById("screen");
const busy = document.getElementById("busy");
const again = document.getElementById("again");
const lies = document.getElementById("card");
const { home, booked, mine, timeZone } = document.body.dataset;

// A dispenser that can go on alone opened us from its own page, and is where to go when the hall is away.
const OWN_PAGE = /^http:\/\/(127\.0\.0\.1|localhost):\d{1,5}$/;
const TAKE_ALONE_S = 5;
const named = new URLSearchParams(location.search).get("agent") ?? "";
const agent = OWN_PAGE.test(named) ? named : null;

let left = IDLE_S;
let looked = 0;
let going = null;
let dozing = 0;

const current = () => screen.firstElementChild;
const patience = () => Number(current().dataset.idle ?? IDLE_S);
const pause = (ms) => new Promise((after) => setTimeout(after, ms));

function put(html) {
  screen.innerHTML = html;
  htmx.process(screen);
  left = patience();
  document.documentElement.lang = current().dataset.lang;
  drawClock();
  drawCountdown();
}

// The answer's text, or null when the hall could not answer.
async function ask(path, options = {}) {
  try {
    const answer = await fetch(path, { ...options, cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
    return answer.status < 500 ? await answer.text() : null;
  } catch (cut) {
    console.warn("no answer from the hall", cut.name);
    return null;
  }
}

// Show another screen; while the hall is away a sentence says so, and the first screen comes back with it.
async function go(path) {
  const mine = going = Symbol(path);
  let html = await ask(path);
  while (html === null && going === mine) {
    document.body.dataset.away = "";
    goAlone();
    await pause(AGAIN_MS);
    html = await ask(home);
  }
  if (going !== mine) return;
  delete document.body.dataset.away;
  again.hidden = true;
  put(html);
}

function goAlone() {
  if (agent) location.replace(`${agent}/?failed`);
}

async function take(form) {
  if (!busy.hidden) return;
  busy.hidden = false;
  const body = new URLSearchParams(new FormData(form));
  const card = lies.querySelector("[data-card]");
  if (card) body.set("card", card.dataset.card);
  const until = performance.now() + (agent ? TAKE_ALONE_S : TAKE_S) * 1000;
  let html = await ask(form.action, { method: "POST", body });
  while (html === null && performance.now() < until) {
    await pause(AGAIN_MS);
    html = await ask(form.action, { method: "POST", body });
  }
  busy.hidden = true;
  if (html !== null) put(html);
  else { again.hidden = false; left = IDLE_S; goAlone(); }
}

// A card laid on the reader counts for the number taken next. While nobody is served there is no hurry.
async function lookForCard() {
  if (!busy.hidden || "away" in document.body.dataset) return;
  const before = lies.querySelector("[data-card]")?.dataset.card;
  const html = await ask(`${lies.dataset.path}?lang=${current().dataset.lang}`);
  if (html === null || !busy.hidden) return;
  if (lies.innerHTML !== html) lies.innerHTML = html;
  const now = lies.querySelector("[data-card]")?.dataset.card;
  if (now && now !== before) { left = IDLE_S; if (current().dataset.screen === "booked") go(`${booked}?${spoken()}`); else if (["number", "sorry"].includes(current().dataset.screen)) go(home); }
}

// A booking's code or the paper of a number: typed on the screen, or scanned by a reader that types it, all at once and with
// Enter at its end. Where a typed one leads is said by its field.
const CODE = /[0-9A-HJKMNP-TV-Z]{10}$/i;
const PAPER = /\/t\/([\w-]{22})$/;
const SCANNED_MS = 100;
let scanned = "";
let scannedAt = 0;

const spoken = () => new URLSearchParams({ lang: current().dataset.lang, large: current().classList.contains("large") ? "1" : "" });

function lookUp(path, code) {
  if (busy.hidden) go(`${path}${encodeURIComponent(code)}`);
}

function lookUpTyped() {
  const field = screen.querySelector("[data-code]");
  if (field?.value) lookUp(field.dataset.code, field.value);
}

document.addEventListener("keydown", (event) => {
  if (event.timeStamp - scannedAt > SCANNED_MS) scanned = "";
  scannedAt = event.timeStamp;
  if (event.key.length === 1) scanned += event.key;
  if (event.key !== "Enter") return;
  const read = scanned.split("?")[0];
  const paper = PAPER.exec(read)?.[1];
  scanned = "";
  if (paper) lookUp(`${mine}?${spoken()}&key=`, paper);
  else if (CODE.test(read)) lookUp(`${booked}?${spoken()}&code=`, read);
  else lookUpTyped();
  if (paper || CODE.test(read) || screen.querySelector("[data-code]")) event.preventDefault();
});
document.addEventListener("click", (event) => {
  const field = screen.querySelector("[data-code]");
  const whole = event.target.closest("[data-key]") && field?.value.length === field?.maxLength;
  if (whole || event.target.closest("[data-find-code]")) lookUpTyped();
});

function tick() {
  drawClock();
  if (!busy.hidden || "away" in document.body.dataset) return;
  if (current().dataset.plain === "1" && again.hidden) {
    looked = (looked + 1) % LOOK_S;
    if (!looked) redraw();
    return;
  }
  left -= 1;
  drawCountdown();
  if (left <= 0) { left = IDLE_S; go(home); }
}

// A kiosk that rests is dark; whoever touches it may read what it says.
function wake() {
  document.body.classList.add("awake");
  clearTimeout(dozing);
  dozing = setTimeout(() => document.body.classList.remove("awake"), IDLE_S * 1000);
}

function redraw() { document.dispatchEvent(new CustomEvent("hall:redraw")); }

function drawCountdown() {
  for (const line of document.querySelectorAll("[data-countdown]")) line.textContent = line.dataset.countdown.replace("{n}", left);
}

function drawClock() {
  const { lang } = current().dataset;
  for (const [part, words] of [["date", dateWords], ["time", timeWords]]) {
    const place = screen.querySelector(`[data-clock="${part}"]`);
    const text = words(lang, timeZone, new Date());
    if (place.textContent !== text) place.textContent = text;
  }
}

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-take]")) return;
  event.preventDefault();
  take(event.target);
});
document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-go]");
  if (target) go(target.dataset.go);
});
for (const touch of ["pointerdown", "keydown"]) document.addEventListener(touch, () => { left = patience(); wake(); });
document.addEventListener("contextmenu", (event) => event.preventDefault());
document.addEventListener("hall:refresh", () => { if (busy.hidden) redraw(); });

typing(screen);
setInterval(tick, 1000);
if (lies.dataset.reader) setInterval(lookForCard, 1000);
drawClock();
drawCountdown();
