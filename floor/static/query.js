// The query screen by itself: what is touched is fetched, and after a while of nobody it is the first screen again.

import { dateWords, timeWords } from "./clock.js";
import { typing } from "./typing.js";

const IDLE_S = 60;

const screen = document.getElementById("screen");
const { home, timeZone } = document.body.dataset;
let left = IDLE_S;
let asked = 0;

const current = () => screen.firstElementChild;

async function go(path) {
  const mine = ++asked;
  const answer = await fetch(path, { cache: "no-store" }).catch(() => null);
  if (mine !== asked || !answer?.ok) return;
  screen.innerHTML = await answer.text();
  htmx.process(screen);
  document.documentElement.lang = current().dataset.lang;
  left = IDLE_S;
  draw();
}

function draw() {
  for (const line of screen.querySelectorAll("[data-countdown]")) line.textContent = line.dataset.countdown.replace("{n}", left);
  for (const [part, words] of [["date", dateWords], ["time", timeWords]]) {
    const place = screen.querySelector(`[data-clock="${part}"]`);
    const text = words(current().dataset.lang, timeZone, new Date());
    if (place.textContent !== text) place.textContent = text;
  }
}

function tick() {
  if (current().dataset.plain !== "1") left -= 1;
  if (left <= 0) { left = IDLE_S; go(home); }
  draw();
}

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-go]");
  if (target) go(target.dataset.go);
});
for (const touch of ["pointerdown", "keydown"]) document.addEventListener(touch, () => { left = IDLE_S; });
document.addEventListener("contextmenu", (event) => event.preventDefault());
document.addEventListener("hall:refresh", () => document.dispatchEvent(new CustomEvent("hall:redraw")));

typing(screen);
setInterval(tick, 1000);
draw();
