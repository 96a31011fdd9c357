// The call board: draws what the feed says, flashes only a call made just now, and owns up when it has lost the hall.

import { dateWords, timeWords } from "./clock.js";
import { Board } from "./feed.js";
import { restart, standAt } from "./live.js";
import { DeviceLink } from "./device.js";

const FLASH_MS = 8_000;
const SILENT_MS = 25_000;

const root = document.documentElement;
const { device, timeZone, rows, snapshot } = document.body.dataset;
const words = document.getElementById("words").dataset;
const table = document.getElementById("lines");
const counts = document.getElementById("counts");
const notice = document.getElementById("notice");
const none = document.getElementById("none");
const fits = Number(rows);

const board = new Board();
const flashing = new Map();     // ticket -> when it stops

function draw() {
  const lines = shown();
  none.hidden = lines.length > 0 || board.lost && board.offset === null;
  lines.forEach((line, at) => fill(table.children[at] ?? table.appendChild(row()), line));
  while (table.children.length > lines.length) table.lastElementChild.remove();
  for (const item of counts.children) {
    const count = board.waiting[item.dataset.service];
    if (count !== undefined) write(item.querySelector("output"), String(count));
  }
  write(notice, board.notices[0] ?? notice.dataset.usual);
}

// Newest on top. Where there are more than fit, those being served give way to those still expected.
function shown() {
  let room = fits - board.lines.filter((line) => line.state === "called").length;
  return board.lines.filter((line) => line.state === "called" || room-- > 0).slice(0, fits);
}

function row() {
  const tr = document.createElement("tr");
  const [before, after] = words.window.split("{no}");
  tr.innerHTML = '<td class="ticket"></td><td class="window"><span></span><b class="num"></b><span></span></td><td class="state"></td>';
  [tr.querySelector("span").textContent, tr.querySelector("b + span").textContent] = [before, after];
  return tr;
}

function fill(tr, line) {
  tr.classList.toggle("is-called", line.state === "called");
  tr.classList.toggle("is-serving", line.state === "serving");
  tr.classList.toggle("flash", flashing.has(line.ticket));
  write(tr.children[0], line.ticket);
  write(tr.querySelector(".window b"), line.window);
  write(tr.children[2], words[line.state]);
}

function write(place, text) { if (place.textContent !== text) place.textContent = text; }

function flash({ ticket }) {
  clearTimeout(flashing.get(ticket));
  flashing.set(ticket, setTimeout(() => { flashing.delete(ticket); draw(); }, FLASH_MS));
}

function take(frame) {
  const became = board.take(frame);
  if (board.fresh) flash(board.fresh);
  if (became !== "gap" && became !== "old") draw();
  return became;
}

function tick() {
  const now = new Date(board.now());
  write(document.getElementById("time"), timeWords(root.lang, timeZone, now));
  write(document.getElementById("date"), dateWords(root.lang, timeZone, now));
}

function mirror() {
  document.addEventListener("hall:beat", (event) => board.heard(event.detail.at));
  document.addEventListener("hall:frame", (event) => {
    if (take(event.detail) === "gap") { board.offset = null; restart(); }
    else standAt(board.epoch, board.offset);
  });
  document.addEventListener("hall:refresh", async () => {
    if (root.dataset.link !== "slow") return;
    const answer = await fetch(snapshot, { cache: "no-store" }).catch(() => null);
    if (answer?.ok && root.dataset.link === "slow") take({ type: "snapshot", board: await answer.json() });
  });
}

function screen() {
  let heard = performance.now();
  const show = (state) => { root.dataset.link = state; };
  new DeviceLink({
    device, caps: [], feed: board,
    onFrame: (frame) => { heard = performance.now(); return take(frame) !== "gap"; },
    onJob: () => {},
    onState: (state) => {
      if (state === "live") { heard = performance.now(); show("live"); }
      if (state === "unpaired" || state === "update") { write(document.getElementById("stale"), words[state]); show("lost"); }
    },
    onHeard: () => { heard = performance.now(); show("live"); },
  });
  setInterval(() => { if (performance.now() - heard > SILENT_MS) show("lost"); }, 1000);
}

if (device) screen(); else mirror();
tick();
setInterval(tick, 1000);
