// The call board: draws what the feed says, flashes only a call made just now, and owns up when it has lost the hall.

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
  const lines = board.lines.slice(0, fits);
  none.hidden = lines.length > 0 || board.lost && board.offset === null;
  lines.forEach((line, at) => fill(table.children[at] ?? table.appendChild(row()), line));
  while (table.children.length > lines.length) table.lastElementChild.remove();
  for (const item of counts.children) {
    const count = board.waiting[item.dataset.service];
    if (count !== undefined) write(item.querySelector("output"), String(count));
  }
  write(notice, board.notices[0] ?? notice.dataset.usual);
}

function row() {
  const tr = document.createElement("tr");
  tr.innerHTML = '<td class="ticket num"></td><td class="window"><span></span> <b class="num"></b></td><td class="state"></td>';
  return tr;
}

function fill(tr, line) {
  tr.classList.toggle("is-called", line.state === "called");
  tr.classList.toggle("is-serving", line.state === "serving");
  tr.classList.toggle("flash", flashing.has(line.ticket));
  write(tr.children[0], line.ticket);
  write(tr.querySelector(".window b"), line.window);
  write(tr.querySelector(".window span"), words.window);
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
  const format = (options) => new Intl.DateTimeFormat(root.lang, { timeZone, ...options }).format(now);
  write(document.getElementById("time"), format({ hour: "2-digit", minute: "2-digit", hour12: false }));
  write(document.getElementById("date"), format({ month: "long", day: "numeric", weekday: "short" }));
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
