// The ticket in a hand: counts down by itself, shakes when it is called, and says when what it shows is old.

import { leave } from "./live.js";

const WAIT_MS = 30_000;     // the range is asked for at most this often; the count of people comes by itself

const root = document.documentElement;
const ticket = () => document.getElementById("ticket");
let asked = performance.now();
let shaken = ticket()?.dataset.call ?? "";

function redraw() {
  asked = performance.now();
  document.dispatchEvent(new CustomEvent("ticket:redraw"));
}

// A choice that is half made is not taken out of the citizen's hand.
const choosing = () => document.querySelector(".rate :checked, .rate textarea:focus") !== null;

document.addEventListener("hall:frame", ({ detail }) => {
  if (detail.type !== "ticket" || !ticket()) return;
  const figure = document.getElementById("ahead");
  if (detail.state !== ticket().dataset.state || detail.state === "called" || !figure || !detail.ahead) { if (!choosing()) redraw(); return; }
  figure.textContent = detail.ahead;
  if (performance.now() - asked > WAIT_MS) redraw();
});
document.addEventListener("hall:refresh", () => { if (!choosing()) redraw(); });

document.addEventListener("htmx:after:swap", () => {
  const { call, live } = ticket().dataset;
  if (call && call !== shaken) navigator.vibrate?.([400, 200, 400, 200, 400]);
  shaken = call;
  if (live === "0") leave();
});

document.addEventListener("hall:lost", () => {
  const stale = document.getElementById("stale");
  stale.textContent = stale.dataset.words.replace("{time}", ticket().dataset.at);
});
addEventListener("pageshow", (event) => { if (event.persisted) redraw(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden && document.body.dataset.view) redraw(); });
if (root.dataset.link !== "lost" && shaken) navigator.vibrate?.(400);
