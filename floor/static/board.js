// The call board: draws what the feed says, flashes only a call made just now, and owns up when it has lost the hall.

import { dateWords, timeWords } from "./clock.js";
import { Board } from "./feed.js";
import { restart, standAt } from "./live.js";
import { DeviceLink } from "./device.js";

const FLASH_MS = 8_000;
const SILENT_MS = 25_000;
const FIRST_MS = 6_000;         // a screen that starts and hears nothing knows nothing: it says so soon

const root = document.documentElement;
const { device, timeZone, rows, snapshot, stands } = document.body.dataset;
const words = document.getElementById("words").dataset;
const table = document.getElementById("lines");
const counts = document.getElementById("counts");
const notice = document.getElementById("notice");
const none = document.getElementById("none");
const areaOf = JSON.parse(stands);     // window -> its area

const board = new Board();
const flashing = new Map();     // ticket -> when it stops

// How this screen is laid out; a paired one is told so by the hall.
let layout = { columns: 1, rows: Number(rows), zones: [], counts: true, notice: true, notice_text: "", qr: false };
let testing = 0;

function draw() {
  const lines = shown();
  none.hidden = lines.length > 0 || board.lost && board.offset === null;
  lines.forEach((line, at) => fill(table.children[at] ?? table.appendChild(row()), line));
  while (table.children.length > lines.length) table.lastElementChild.remove();
  for (const item of counts.children) {
    const count = board.waiting[item.dataset.service];
    if (count !== undefined) write(item.querySelector("output"), String(count));
  }
  write(notice, board.notices[0] ?? (layout.notice_text || notice.dataset.usual));
}

const isShown = (area) => layout.zones.length === 0 || layout.zones.includes(area);

// Newest on top. Where there are more than fit, those being served give way to those still expected.
function shown() {
  const fits = layout.rows * layout.columns;
  const lines = board.lines.filter((line) => isShown(areaOf[line.window]));
  let room = fits - lines.filter((line) => line.state === "called").length;
  return lines.filter((line) => line.state === "called" || room-- > 0).slice(0, fits);
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

// What the hall sets on this screen: whether it rests, a line somebody wants to see, and its layout.
function configure(data) {
  layout = { ...layout, ...data };
  const { body } = document;
  body.style.setProperty("--rows", layout.rows);
  body.dataset.columns = layout.columns;
  body.classList.toggle("no-counts", !layout.counts && !layout.qr);
  body.classList.toggle("no-notice", !layout.notice);
  body.classList.toggle("asleep", Boolean(data.asleep));
  counts.hidden = !layout.counts;
  document.querySelector(".side h2").hidden = !layout.counts;
  document.getElementById("qr").hidden = !layout.qr;
  for (const item of counts.children) item.hidden = !isShown(item.dataset.zone);
  tryOut(data.test);
  draw();
}

function tryOut(test) {
  const place = document.getElementById("test");
  const left = test ? Date.parse(test.until) - board.now() : 0;
  clearTimeout(testing);
  place.hidden = left <= 0;
  if (left <= 0) return;
  write(place, test.text);
  testing = setTimeout(() => { place.hidden = true; }, left);
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
  let heard = performance.now() - SILENT_MS + FIRST_MS;
  const show = (state) => { root.dataset.link = state; };
  new DeviceLink({
    device, caps: [], feed: board,
    onFrame: (frame) => { heard = performance.now(); return take(frame) !== "gap"; },
    onJob: () => {},
    onConfig: configure,
    onState: (state) => {
      if (state === "live") { heard = performance.now(); show("live"); }
      if (state === "unpaired" || state === "update") {   // what it shows will never be brought up to date
        write(document.getElementById("stale"), words[state]);
        document.body.classList.add("is-over");
        document.body.classList.remove("asleep");
        show("lost");
      }
    },
    onHeard: () => { heard = performance.now(); show("live"); },
  });
  setInterval(() => { if (performance.now() - heard > SILENT_MS) show("lost"); }, 1000);
}

if (device) screen(); else mirror();
tick();
setInterval(tick, 1000);
