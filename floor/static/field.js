// The team's phone at the door: every press is kept first and sent when there is a net; nothing personal outlives the day.

import { photo } from "./camera.js";
import { holds, isDone, merged, nameless, nextStep } from "./fieldday.js";
import { draw, say } from "./fieldview.js";
import { mint, Outbox } from "./outbox.js";
import { openPocket } from "./pocket.js";
import { Signature } from "./signature.js";
import { say as toast } from "./toast.js";

const { path, lang } = document.body.dataset;
const LOOK_MS = 60_000;         // how often the list is asked for while the page is in sight
const PATIENCE_MS = 8_000;
const RATE_S = 60;              // no answer by then is no rating
const AFTER_DOOR = new Set(["complete", "rating", "hand_in"]);
const LONGEST_S = 14 * 24 * 3600;    // acts older than that are said to be that old

const state = { day: null, waiting: [], refused: [], chosen: null, ticked: new Set(), keeps: true, ended: false, old: "" };
let pocket = null;
let outbox = null;
let answers = 0;                // acts the hall has answered: a list asked for before the last of them is older than it
let shown = { visits: [], front: null };

const sheet = (name) => document.getElementById(`sheet-${name}`);
const visitOf = (id) => shown.visits.find((visit) => visit.id === id);

function redraw() {
  if (outbox) Object.assign(state, { keeps: pocket.keeps, waiting: outbox.mine, refused: outbox.refused, ended: outbox.ended });
  shown = draw(state);
}

// --- the day's list

async function look() {
  const before = answers;
  let answer;
  try {
    const known = holds(state.day?.visits ?? []).join(",");
    answer = await fetch(`${path}/day?lang=${lang}&known=${known}`, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch (cut) {
    console.info("no list", cut.name);
    return away();
  }
  if (answer.status === 401) return signedOut();
  if (!answer.ok) return away();
  const day = await answer.json();
  if (before !== answers) return look();
  if (state.day && state.day.me !== day.me) { await handedOver(); return look(); }
  await learn(day);
  outbox.ended = false;
  outbox.hurry();
}

// The sign-in has ended, here or in the hall: acts wait for the next one, names and addresses don't.
async function signedOut() {
  outbox.ended = true;
  if (state.day) {
    state.day = { ...state.day, visits: state.day.visits.map(nameless) };
    await pocket.put("day", "day", state.day);
  }
  redraw();
}

// Somebody else has signed in on this phone: of the day it knew nothing is theirs, and who lives where is told to them anew.
async function handedOver() {
  for (const name of ["day", "ticked", "chosen"]) await pocket.drop("day", name);
  Object.assign(state, { day: null, ticked: new Set(), chosen: null });
  outbox.me = null;
}

function away() {
  state.old = state.day?.told ?? "";
  redraw();
}

async function learn(day) {
  state.old = "";
  const before = new Map((state.day?.visits ?? []).map((visit) => [visit.id, visit]));
  state.day = { ...day, visits: day.visits.map((visit) => merged(visit, before.get(visit.id))) };
  outbox.me = day.me;
  // Once all is made and handed in, the page shows what it knows and the phone keeps none of it.
  if (day.visits.length && isDone(day.visits, outbox.waiting)) await pocket.drop("day", "day");
  else await pocket.put("day", "day", state.day);
  if (wiped && !isDone(day.visits, outbox.waiting)) { wiped = false; keepShell(); }
  redraw();
}

async function send(act, signal) {
  const { id, kind, visit, data, at } = act;
  return fetch(`${path}/act?lang=${lang}`, {
    method: "POST", signal, cache: "no-store",
    headers: { "content-type": "application/json", "x-csrf-token": state.day.csrf },
    body: JSON.stringify({ id, kind, visit, data, ago_s: Math.min(LONGEST_S, Math.max(0, Math.ceil((Date.now() - at) / 1000))) }),
  });
}

async function changed(why, act, answer) {
  if (why === "done") {
    answers += 1;
    if (answer.visits) await learn(answer);
    else await learn({ ...state.day, visits: state.day.visits.map((visit) => (visit.id === answer.visit.id ? answer.visit : visit)) });
    if (act.kind === "hand_in") await outbox.empty(act.visit);
    if (AFTER_DOOR.has(act.kind) && isDone(state.day.visits, outbox.waiting)) await forgetAll();
  }
  if (why === "ended") await signedOut();
  if (why === "stale") await renew();
  if (why === "refused") { answers += 1; look(); }
  redraw();
}

// Signed in anew in another tab: the list brings the token that goes with it, and the act goes behind it.
let renewed = 0;
async function renew() {
  if (Date.now() - renewed < PATIENCE_MS) return;
  renewed = Date.now();
  await look();
}

// Nothing is left to do: the phone keeps nothing. What is on the screen has nothing personal in it by now.
let wiped = false;
async function forgetAll() {
  await outbox.load();              // another tab may hold acts of its own
  if (outbox.waiting.length) return;
  await pocket.wipe();
  pocket = outbox.pocket = await openPocket();
  await outbox.load();
  wiped = true;
}

// --- acts

// Which visit is in front stays so over a reload.
async function choose(visit) {
  state.chosen = visit;
  await pocket.put("day", "chosen", visit);
}

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("button");
  if (!button) return;
  const { act, open, forget, again, rate, discard, plain, sheet: named } = button.dataset;
  if (act) await press(act, shown.front);
  else if (plain) await outbox.add(plain, null);
  else if (open) { await choose(open); redraw(); document.getElementById("front").scrollIntoView(); }
  else if (forget) await outbox.forget(outbox.refused.find((each) => each.id === forget));
  else if (again) await outbox.again(outbox.refused.find((each) => each.id === again));
  else if (rate) askRating(rate);
  else if (discard) await outbox.add("discard", shown.front.id, { paper: discard });
  else if (named) openSheet(named);
  else if (button.dataset.close !== undefined) button.closest("dialog").close();
});

async function press(act, visit) {
  if (nextStep(visit) !== act) return;
  if (act === "complete") return openSheet("complete");
  if (act === "hand_in") return openSheet("hand-in");
  await choose(visit.id);
  await outbox.add(act, visit.id);
}

function openSheet(name) {
  const dialog = sheet(name);
  dialog.querySelector("form")?.reset();
  dialog.dataset.visit = shown.front?.id ?? "";
  dialog.showModal();
  if (name === "consent") signature.clear();
  if (name === "complete") dialog.querySelector(`[name=delivery][value=${shown.front.delivery}]`).checked = true;
  if (name === "hand-in") fillBag(dialog);
}

function fillBag(dialog) {
  const visit = shown.front;
  const papers = dialog.querySelector("[data-slot=papers]");
  papers.replaceChildren(...visit.papers.map((paper) => Object.assign(document.createElement("li"), { textContent: paper.name })));
}

document.addEventListener("change", async ({ target }) => {
  if (target.dataset.tick) {
    if (target.checked) state.ticked.add(target.dataset.tick); else state.ticked.delete(target.dataset.tick);
    await pocket.put("day", "ticked", [...state.ticked]);
  }
  if (target.matches("[data-camera]")) await takePhoto(target);
});

async function takePhoto(field) {
  const [file] = field.files;
  if (!file) return;
  const visit = shown.front;
  const name = field.closest("[data-slot=camera]").querySelector("select").value;
  const image = await photo(file, state.day.most_bytes);
  field.value = "";
  if (image) await outbox.add("paper", visit.id, { paper: mint(), name, image });
  else toast(say("no_picture"), { fault: true });
}

const signature = new Signature(document.getElementById("signature"));
const SHEETS = {
  async consent(form, visit) {
    const how = form.get("how");
    if (how === "drawn" && !signature.signed) { toast(say("sign_first"), { fault: true }); return false; }
    const picture = how === "drawn" ? await signature.picture() : null;
    await outbox.add("consent", visit, { how, version: form.get("version"), text_lang: lang, ...(picture && { picture }) });
    return true;
  },
  async late(form, visit) { await outbox.add("late", visit, { minutes: Number(form.get("minutes")) }); return true; },
  async complete(form, visit) {
    await outbox.add("complete", visit, { outcome: form.get("outcome"), delivery: form.get("delivery") });
    await choose(visit);
    return true;
  },
  async "hand-in"(form, visit) {
    const { papers } = visitOf(visit);
    await outbox.add("hand_in", visit, { to: form.get("to"), papers: papers.map((paper) => paper.name), originals: Number(form.get("originals") || 0) });
    return true;
  },
  async rating(form, visit) {
    const level = Number(form.get("level"));
    const reasons = form.getAll("reasons").filter((code) => code.startsWith(String(level)));
    await outbox.add("rating", visit, { level, reasons, comment: form.get("comment") || null });
    await choose(null);
    toast(say("thanks"));
    return true;
  },
  async partner(form) { return addPartner(form); },
};

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const act = SHEETS[form.dataset.form];
  if (!act) return;
  event.preventDefault();
  const dialog = form.closest("dialog");
  if (await act(new FormData(form), dialog.dataset.visit)) { dialog.close(); form.reset(); }
  redraw();
});

// A password is for the net alone: it is never kept to be sent later.
async function addPartner(form, stale = false) {
  const answer = await fetch(`${path}/partner?lang=${lang}`, {
    method: "POST", signal: AbortSignal.timeout(PATIENCE_MS), headers: { "content-type": "application/json", "x-csrf-token": state.day.csrf },
    body: JSON.stringify({ username: form.get("username"), password: form.get("password") }),
  }).catch(() => null);
  if (!answer?.ok) {
    const problem = answer && await answer.json();
    if (problem?.page === "stale" && !stale) { await look(); return addPartner(form, true); }
    toast(problem ? problem.detail : say("partner_away"), { fault: true });
    return false;
  }
  await learn(await answer.json());
  return true;
}

// --- the citizen's own minute with the phone

let clock = 0;
function askRating(visit) {
  openSheet("rating");
  sheet("rating").dataset.visit = visit;
  const { code } = visitOf(visit);
  document.getElementById("rate-code").src = code ?? "";
  document.getElementById("rate-code").hidden = !code;
  clearTimeout(clock);
  clock = setTimeout(() => sheet("rating").close(), RATE_S * 1000);
}
sheet("rating").addEventListener("close", () => clearTimeout(clock));

// --- the end: signing out, or the day's

document.getElementById("leave").addEventListener("submit", async (event) => {
  event.preventDefault();
  await outbox.load();
  const waits = outbox.waiting.length + outbox.refused.filter(({ data }) => data?.image || data?.picture).length;
  if (waits && event.target.dataset.sure === undefined) {
    openSheet("leave");
    return;
  }
  await pocket.wipe();
  event.target.submit();
});
sheet("leave").querySelector("[data-slot=anyway]").addEventListener("click", () => {
  const form = document.getElementById("leave");
  form.dataset.sure = "";
  form.requestSubmit();
});

async function tidy() {
  if (!state.day || Date.now() < Date.parse(state.day.ends)) return;
  // Acts nobody has answered are not the list's: they go when they have been told.
  await pocket.drop("day", "day");
  await pocket.drop("day", "ticked");
  await pocket.drop("day", "chosen");
  state.day = { ...state.day, visits: [], team: null };
  state.ticked.clear();
  redraw();
}

// --- the net

async function keepShell() {
  if (!("serviceWorker" in navigator) || !window.isSecureContext) return;
  const registration = await navigator.serviceWorker.register(`${path}/worker.js`, { scope: path, type: "classic" });
  const worker = registration.active ?? registration.waiting ?? registration.installing;
  const loaded = performance.getEntriesByType("resource").map(({ name }) => new URL(name)).filter((url) => url.origin === location.origin && url.pathname.startsWith("/static/"));
  const addresses = [location.pathname + location.search, path, ...new Set(loaded.map((url) => url.pathname))];
  navigator.serviceWorker.addEventListener("message", ({ data }) => { if (data === "kept") document.documentElement.dataset.shell = "kept"; });
  worker.postMessage({ keep: addresses });
}

// The list first: it brings the token that acts are sent with, and the acts go behind it.
addEventListener("online", () => { if (outbox) look(); });
addEventListener("offline", away);
document.addEventListener("visibilitychange", () => { if (!document.hidden && outbox) look(); });
setInterval(() => { tidy(); if (!document.hidden && outbox && !outbox.mine.length) look(); }, LOOK_MS);

pocket = await openPocket();
navigator.storage?.persist?.();     // asked not to make room by throwing away what was not sent
state.keeps = pocket.keeps;
outbox = new Outbox(pocket, send, changed);
await outbox.load();
state.day = await pocket.get("day", "day");
outbox.me = state.day?.me ?? null;
state.ticked = new Set(await pocket.get("day", "ticked") ?? []);
state.chosen = await pocket.get("day", "chosen");
await tidy();
redraw();
await look();
document.documentElement.dataset.ready = "";
keepShell();
