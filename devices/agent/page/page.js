// The dispenser's own page: it leads to the hall's kiosk while the hall answers, and else takes numbers here.

const LOOK_MS = 1000;
const SHOWN_S = 15;     // a number stays for so long
const IDLE_S = 30;      // then the page speaks Chinese again
const REACH_MS = 3000;

const all = JSON.parse(document.getElementById("words").textContent);
const token = document.querySelector("meta[name=page-token]").content;
const screen = document.getElementById("screen");
const langs = document.getElementById("langs");

let lang = "zh-Hans";
let idle = 0;
let left = 0;           // seconds a number is still shown
let drawn = "";         // what the screen shows now
let state = { show: "hall", hall: "" };
let leaving = false;
let taking = false;

const t = (key, words = {}) => Object.entries(words).reduce((text, [name, value]) => text.replace(`{${name}}`, value), all[lang][key]);

function make(tag, className, text, inside = []) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  element.append(...inside);
  return element;
}

function post(path, body) {
  return fetch(path, { method: "POST", headers: { "Content-Type": "application/json", "X-Page-Token": token }, body: JSON.stringify(body) });
}

const mint = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");

// ---- screens

function cards(services) {
  const list = make("ul", services.length > 8 ? "cards many" : "cards");
  for (const service of services) {
    const name = service.names[lang] || service.names["zh-Hans"] || service.service;
    const button = make("button", "", "", [make("b", "", service.prefix), make("span", "", name)]);
    const press = mint();
    button.type = "button";
    button.dataset.service = service.service;
    button.addEventListener("click", () => take(service.service, press));
    list.append(make("li", "", "", [button]));
  }
  return [make("h1", "", t("choose")), make("p", "soft", t("hint")), list];
}

function sorry(says, does) {
  const sections = Object.keys(all).map((each) => {
    const section = make("section", "", "", [make("p", "says", all[each][says]), make("p", "does", all[each][does])]);
    section.lang = each;
    return section;
  });
  return [make("div", "whole", "", sections)];
}

function number(given) {
  const home = make("button", "", t("home"));
  home.type = "button";
  home.addEventListener("click", () => { left = 0; draw(); });
  const inside = [
    make("p", "what", t("number")), make("p", given.ticket.length > 5 ? "number long" : "number", given.ticket),
    make("p", "what", given.service || ""), make("p", "says", t("paper")),
  ];
  if (given.where) inside.push(make("p", "does", t("where", { where: given.where })));
  inside.push(make("p", "does", t("keep")), home, make("p", "soft countdown", t("back", { n: left })));
  return [make("div", "whole", "", inside)];
}

function show(key, elements) {
  if (key === drawn) return;
  drawn = key;
  screen.replaceChildren(...elements());
}

function draw() {
  if (left > 0 || taking) return;
  const { show: what, services = [] } = state;
  document.documentElement.lang = lang;
  document.title = t("title");
  document.getElementById("hall").textContent = state.hall;
  const key = JSON.stringify([what, lang, services]);
  if (what === "take") show(key, () => cards(services));
  else if (what === "paper") show(key, () => sorry("no_paper", "no_paper_do"));
  else if (what === "desk") show(key, () => sorry("desk", "desk_do"));
  else if (what === "unpaired") show(key, () => sorry("unpaired", "unpaired_do"));
  else show(key, () => sorry("wait", "wait_do"));
  langs.hidden = what !== "take";
}

async function take(service, press) {
  if (taking) return;
  taking = true;
  show("taking", () => [make("div", "whole", "", [make("p", "says", t("taking"))])]);
  let given = null;
  try {
    const answer = await post("/take", { service, lang, press });
    if (answer.status === 403) location.reload();       // the agent was started anew: a fresh page has a fresh token
    if (answer.ok) given = await answer.json();
  } catch (cut) {
    console.warn("no answer from the agent", cut.name);
  }
  taking = false;
  drawn = "";
  if (given) { left = SHOWN_S; screen.replaceChildren(...number(given)); drawn = "number"; }
  else { await look(); draw(); }
}

// ---- the hall

// The browser itself must reach the hall before it is sent there: the page it would land on otherwise has no way back.
async function leave(way) {
  if (leaving) return;
  leaving = true;
  try {
    await fetch(new URL("/healthz", way), { mode: "no-cors", cache: "no-store", signal: AbortSignal.timeout(REACH_MS) });
    location.replace(way);
  } catch (cut) {
    console.warn("the hall is not in reach", cut.name);
    leaving = false;
  }
}

async function look() {
  try {
    state = await (await fetch("/state", { cache: "no-store" })).json();
  } catch (cut) {
    console.warn("no answer from the agent", cut.name);
  }
  if (state.show === "hall" && state.go && left <= 0 && !taking) leave(state.go);
}

async function tick() {
  await look();
  idle += LOOK_MS / 1000;
  if (left > 0) {
    left -= LOOK_MS / 1000;
    const line = screen.querySelector(".countdown");
    if (line) line.textContent = t("back", { n: Math.max(0, left) });
  }
  if (idle >= IDLE_S && lang !== "zh-Hans") speak("zh-Hans");
  document.getElementById("clock").textContent = new Date().toLocaleTimeString("zh-Hans", { hour: "2-digit", minute: "2-digit", hour12: false });
  draw();
  setTimeout(tick, LOOK_MS);
}

function speak(chosen) {
  lang = chosen;
  for (const button of langs.children) button.setAttribute("aria-pressed", String(button.lang === lang));
  draw();
}

for (const each of Object.keys(all)) {
  const button = make("button", "", all[each].lang);
  button.type = "button";
  button.lang = each;
  button.addEventListener("click", () => speak(each));
  langs.append(button);
}
for (const touch of ["pointerdown", "keydown"]) document.addEventListener(touch, () => { idle = 0; });
document.addEventListener("contextmenu", (event) => event.preventDefault());

if (new URLSearchParams(location.search).has("failed")) {
  history.replaceState(null, "", "/");
  await post("/failed", {}).catch((cut) => console.warn("no answer from the agent", cut.name));
}
speak(lang);
tick();
