// The rating pad: a machine of the hall in a browser. It asks when the hall says so, and an answer is sent until it is kept.

import { Board } from "./feed.js";
import { DeviceLink } from "./device.js";

const THANKS_MS = 3_000;
const WHY_S = 30;           // reasons take longer than a face
const BAD = 2;              // this level and below is asked why

const { device, path, lang } = document.body.dataset;
const plate = document.getElementById("plate");
const faces = document.getElementById("faces");
const thanks = document.getElementById("thanks");
const linked = document.getElementById("linked");
const sheets = [...document.querySelectorAll(".sheet")];
const outbox = `hall.pad.${device}`;

const board = new Board();
let question = null;        // the job on the screen
let left = 0;
let level = null;
let since = performance.now();
let usual = "zh-Hans";      // the language at rest
let testing = 0;

// --- the plate

async function redraw() {
  const answer = await fetch(`${path}/plate?lang=${lang}`, { cache: "no-store" }).catch(() => null);
  if (answer?.ok) plate.innerHTML = await answer.text();
}

function show(sheet) { for (const one of sheets) one.hidden = one !== sheet; }

// --- a question

function ask(job, seconds) {
  if (question) end(false);
  question = job;
  level = null;
  left = seconds;
  const asked = document.getElementById("asked");
  asked.textContent = asked.dataset.words.replace("{ticket}", job.data.ticket);
  show(faces);
  draw();
}

function end(rated) {
  link.report(question.job, "done", { rated });
  question = null;
}

function rest() {
  show(null);
  if (document.documentElement.lang !== usual) location.replace(`${path}?lang=${usual}`);
}

// What the hall sets on this pad: its language at rest, whether it is dark, a line somebody wants to see.
function configure(data) {
  usual = data.language ?? usual;
  document.body.classList.toggle("asleep", Boolean(data.asleep));
  const place = document.getElementById("test");
  const left = data.test ? Date.parse(data.test.until) - board.now() : 0;
  clearTimeout(testing);
  place.hidden = left <= 0;
  if (left > 0) {
    place.textContent = data.test.text;
    testing = setTimeout(() => { place.hidden = true; }, left);
  }
  if (!question) rest();
}

function choose(chosen) {
  level = chosen;
  const why = document.querySelector(`[data-why="${level}"]`);
  if (level > BAD || !why) { answer([]); return; }
  for (const button of why.querySelectorAll("[data-reason]")) button.setAttribute("aria-pressed", "false");
  name(why);
  left = Math.max(left, WHY_S);
  show(why);
  draw();
}

function answer(reasons) {
  const press = { press: mint(), data: { ticket_id: question.data.ticket_id, level, reasons } };
  keep([...waiting(), press]);
  end(true);
  say(link.live ? "kept" : "later");
  flush();
}

function say(how) {
  const line = thanks.querySelector("h1");
  line.textContent = line.dataset[how];
  show(thanks);
  setTimeout(() => { if (!question) rest(); }, THANKS_MS);
}

function draw() {
  for (const line of document.querySelectorAll(".left")) line.textContent = line.dataset.words.replace("{n}", left);
}

setInterval(() => {
  if (performance.now() - since > 60_000) { since = performance.now(); redraw(); }
  if (!question) return;
  left -= 1;
  draw();
  if (left > 0) return;
  if (level !== null) { answer(picked()); return; }    // a face was touched: the reasons were optional
  end(false);
  rest();
}, 1000);

// --- what has been answered and not yet kept

function mint() {
  return "pr_" + [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
function waiting() { return JSON.parse(localStorage.getItem(outbox) ?? "[]"); }
function keep(presses) { localStorage.setItem(outbox, JSON.stringify(presses)); }

async function flush() {
  for (const press of waiting()) {
    const said = await link.ask("press", { press: press.press, what: "rating", data: press.data }).catch(() => null);
    if (!said || said.type === "error" && said.retry) return;
    if (said.type === "error") console.warn("a rating was not taken", said.code);
    keep(waiting().filter((one) => one.press !== press.press));
  }
}

// --- touches

const picked = () => [...document.querySelectorAll(`[data-why="${level}"] [aria-pressed="true"]`)].map((button) => button.dataset.reason);
function name(why) {
  const send = why.querySelector("[data-send]");
  send.textContent = why.querySelector('[aria-pressed="true"]') ? send.dataset.some : send.dataset.none;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button || !question) return;
  if (button.dataset.level) choose(Number(button.dataset.level));
  else if (button.dataset.reason) {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    left = Math.max(left, WHY_S / 2);
    name(button.closest(".why"));
  } else if ("back" in button.dataset) { level = null; show(faces); }
  else if ("send" in button.dataset) answer(picked());
});
document.addEventListener("contextmenu", (event) => event.preventDefault());

// --- the link

const link = new DeviceLink({
  device, caps: ["ask_rating"], feed: board,
  onFrame(frame) {
    const became = board.take(frame);
    if (became === "snapshot" || frame.kind?.startsWith("window_")) redraw();
    return became !== "gap";
  },
  onJob(job) { ask(job, job.data.seconds); },
  onConfig: configure,
  onState(state) {
    linked.hidden = state === "live";
    if (state !== "live") linked.textContent = linked.dataset[state];
    if (state === "live") flush();
    if (state === "unpaired" || state === "update") document.body.classList.remove("asleep");   // somebody has to see to it
  },
});

// A reload in the middle of a question: it goes on for the seconds it has left.
for (const begun of link.ledger.begun()) {
  const gone = Math.floor((Date.now() - Date.parse(begun.at)) / 1000);
  if (gone < begun.frame.data.seconds) ask(begun.frame, begun.frame.data.seconds - gone);
  else link.report(begun.frame.job, "done", { rated: false });
}
