// Draws the team's day: the next visit large with its four acts, what waits for the net, and the rest of the list.

import { here, inFront, isOpen, nextStep, standing, STEPS } from "./fieldday.js";

const words = document.getElementById("words").dataset;
export const say = (name, gaps = {}) => Object.entries(gaps).reduce((text, [gap, value]) => text.replaceAll(`{${gap}}`, value), words[name] ?? name);

const part = (name) => document.getElementById(`t-${name}`).content.firstElementChild.cloneNode(true);
const at = (node, slot) => node.querySelector(`[data-slot="${slot}"]`);

function put(node, slot, text) {
  const place = at(node, slot);
  place.textContent = text ?? "";
  place.hidden = !text;
}

function fill(list, items, made) {
  list.replaceChildren(...items.map(made));
  list.hidden = items.length === 0;
}

// Redrawn without losing what a thumb is on: nothing changes while it says the same.
function show(id, node) {
  const place = document.getElementById(id);
  const drawn = node ? node.outerHTML : "";
  if (place.dataset.drawn === drawn) return;
  place.dataset.drawn = drawn;
  place.replaceChildren(...(node ? [node] : []));
}

const PAPERS = { paper: "image" };      // what is of no use without what was in it
const TONES = { scheduled: "is-waiting", on_the_way: "is-called", on_site: "is-serving", completed: "is-serving" };

export function draw({ day, waiting, refused, chosen, ticked, keeps, ended, old }) {
  const visits = day ? day.visits.map((visit) => standing(visit, waiting)) : [];
  drawLine(waiting.length, { ended, old, keeps, day });
  show("refusals", refused.length ? refusals(refused, visits) : null);
  show("team", day?.team ? team(day, waiting) : null);
  const front = inFront(visits, chosen);
  show("front", front ? card(front, day, ticked) : day ? nothing(day) : null);
  show("rest", rest(visits.filter((visit) => visit !== front)));
  show("next", day?.next ? coming(day.next) : null);
  return { visits, front };
}

function drawLine(count, { ended, old, keeps, day }) {
  const line = document.getElementById("line");
  const waits = (keeps ? "waits" : "held") + (count === 1 ? "_one" : "");
  const text = ended ? say(count ? "ended" : "ended_none", { n: count }) : count ? say(waits, { n: count }) : old ? say("old", { time: old }) : "";
  line.hidden = !text;
  line.dataset.waiting = count;
  line.querySelector("span").textContent = text;
  line.querySelector("a").hidden = !ended;
  document.getElementById("unkept").hidden = keeps || !day;
}

function refusals(refused, visits) {
  const list = document.createElement("ul");
  list.className = "stack";
  fill(list, refused, (act) => {
    const row = part("refusal");
    const visit = visits.find((each) => each.id === act.visit);
    put(row, "what", say("refused", { act: say(`act_${act.kind}`), visit: visit ? visit.window : "" }));
    put(row, "why", act.refused);
    at(row, "read").dataset.forget = act.id;
    at(row, "again").dataset.again = act.id;
    at(row, "again").hidden = act.kind in PAPERS && !(PAPERS[act.kind] in act.data);
    return row;
  });
  return list;
}

function team(day, waiting) {
  const node = part("team");
  const members = here(day.team, day.me, waiting);
  put(node, "name", day.team.name);
  fill(at(node, "members"), members, (member) => {
    const row = part("member");
    put(row, "name", member.name);
    row.classList.toggle("is-serving", member.here);
    at(row, "there").hidden = !member.here;
    at(row, "away").hidden = member.here;
    return row;
  });
  const me = members.find((member) => member.username === day.me);
  at(node, "sign-in").hidden = !me || me.here;
  at(node, "partner").hidden = members.every((member) => member.here || member.username === day.me);
  node.classList.toggle("is-whole", members.every((member) => member.here));
  return node;
}

function nothing(day) {
  const node = part(day.visits.length ? "done" : "none");
  return node;
}

function card(visit, day, ticked) {
  const node = part("visit");
  node.dataset.visit = visit.id;
  node.dataset.state = visit.state;
  put(node, "window", visit.window);
  put(node, "number", visit.number);
  put(node, "state", say(`state_${visit.state}`));
  at(node, "state").className = `badge ${TONES[visit.state] ?? ""}`;
  put(node, "late", visit.late_min && isOpen(visit) ? say("late_by", { n: visit.late_min }) : "");
  put(node, "name", visit.name);
  put(node, "address", visit.address);
  put(node, "asker", visit.asker ? say("asked_by", { who: visit.asker }) : "");
  put(node, "said", visit.said ? say("from_hall", { said: visit.said }) : "");
  put(node, "note", visit.note);
  const [go, call] = [at(node, "go"), at(node, "call")];
  go.hidden = !visit.go;
  if (visit.go) go.href = visit.go;
  call.hidden = !visit.phone;
  if (visit.phone) call.href = `tel:${visit.phone}`;
  const open = isOpen(visit);
  at(node, "lists").hidden = !open;
  const materials = [...new Set(visit.matters.flatMap((matter) => matter.materials))];
  const taken = new Set(visit.papers.map((paper) => `${visit.id}:material:${paper.name}`));
  const tick = (what) => (item) => {
    const row = part("tick");
    row.querySelector("span").textContent = item;
    const box = row.querySelector("input");
    box.dataset.tick = `${visit.id}:${what}:${item}`;
    box.toggleAttribute("checked", ticked.has(box.dataset.tick) || taken.has(box.dataset.tick));
    return row;
  };
  fill(at(node, "matters"), visit.matters, (matter) => Object.assign(document.createElement("li"), { textContent: matter.name }));
  at(node, "kit-box").hidden = visit.state !== "scheduled" || !visit.kit.length;
  fill(at(node, "kit"), visit.kit, tick("kit"));
  at(node, "materials-box").hidden = !materials.length;
  fill(at(node, "materials"), materials, tick("material"));
  at(node, "running-late").hidden = !(visit.state === "scheduled" || visit.state === "on_the_way");
  onSite(node, visit, materials);
  steps(node, visit);
  return node;
}

function onSite(node, visit, materials) {
  const there = visit.state === "on_site";
  at(node, "on-site").hidden = !there;
  if (!there) { afterwards(node, visit); return; }
  const agreed = visit.consent !== null;
  at(node, "consent").hidden = agreed;
  put(node, "agreed", agreed ? say(`agreed_${visit.consent.how}`) : "");
  at(node, "camera").hidden = !agreed;
  at(node, "camera-why").hidden = agreed;
  const taken = new Set(visit.papers.map((paper) => paper.name));
  const choices = [...materials.filter((name) => !taken.has(name)), say("other_paper")];
  fill(at(node, "paper-name"), choices, (name) => new Option(name, name));
  papers(node, visit);
  afterwards(node, visit);
}

function papers(node, visit) {
  fill(at(node, "papers"), visit.papers, (paper) => {
    const row = part("paper");
    const picture = row.querySelector("img");
    picture.alt = paper.name;
    picture.src = paper.image ? `data:image/jpeg;base64,${paper.image}` : paper.src;
    put(row, "name", paper.name);
    put(row, "pending", paper.pending ? say("on_its_way") : "");
    at(row, "discard").dataset.discard = paper.id;
    at(row, "discard").hidden = visit.state !== "on_site";
    return row;
  });
}

function afterwards(node, visit) {
  const over = visit.state === "completed";
  at(node, "after").hidden = !over;
  put(node, "outcome", visit.outcome ? say(`outcome_${visit.outcome}`) : "");
  const rate = at(node, "rate");
  rate.hidden = visit.rated || !visit.may_rate;
  rate.dataset.rate = visit.id;
  at(node, "bag").hidden = !visit.to_hand_in || visit.hand_in !== null;
}

function coming(words) {
  const node = part("next");
  put(node, "when", words);
  return node;
}

function steps(node, visit) {
  const next = nextStep(visit);
  const place = STEPS.indexOf(next);
  fill(at(node, "steps"), STEPS, (step, n) => {
    const row = part("step");
    const button = row.querySelector("button");
    put(row, "name", say(`act_${step}`));
    button.dataset.act = step;
    button.disabled = step !== next;
    button.classList.toggle("primary", step === next);
    row.classList.toggle("is-done", next === null || n < place);
    return row;
  });
}

function rest(visits) {
  if (!visits.length) return null;
  const node = part("rest");
  fill(at(node, "list"), visits, (visit) => {
    const row = part("row");
    put(row, "window", visit.window);
    put(row, "name", visit.name ?? visit.matters.map((matter) => matter.name).join("、"));
    put(row, "state", say(visit.hand_in ? `hand_in_${visit.hand_in.state}` : `state_${visit.state}`));
    put(row, "where", visit.hand_in && !visit.hand_in.pending ? say("receipt", { code: visit.hand_in.receipt, to: visit.hand_in.to }) : "");
    put(row, "pending", visit.pending ? say("on_its_way") : "");
    const open = at(row, "open");
    open.hidden = !nextStep(visit);
    open.dataset.open = visit.id;
    const rate = at(row, "rate-row");
    rate.hidden = visit.state !== "completed" || visit.rated || !visit.may_rate;
    rate.dataset.rate = visit.id;
    return row;
  });
  return node;
}
