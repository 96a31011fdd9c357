// The team's day as its phone knows it: what the hall last said, and on top of it what was pressed since and is on its way.

const AFTER = { depart: "on_the_way", arrive: "on_site", complete: "completed" };
const OPEN = new Set(["scheduled", "on_the_way", "on_site"]);
export const STEPS = ["depart", "arrive", "complete", "hand_in"];

// A visit with the acts applied that the hall has not answered yet.
export function standing(visit, waiting) {
  const now = structuredClone(visit);
  now.pending = 0;
  for (const { id, kind, data, at } of waiting.filter((act) => act.visit === visit.id)) {
    now.pending += 1;
    now.state = AFTER[kind] ?? now.state;
    if (kind === "consent") now.consent = { how: data.how };
    if (kind === "paper") now.papers.push({ id: data.paper, name: data.name, image: data.image, pending: true });
    if (kind === "discard") now.papers = now.papers.filter((paper) => paper.id !== data.paper);
    if (kind === "late") now.late_min = data.minutes;
    if (kind === "rating") now.rated = true;
    if (kind === "complete") Object.assign(now, { outcome: data.outcome, may_rate: data.outcome !== "nobody_home", to_hand_in: data.outcome === "accepted" });
    if (kind === "hand_in") now.hand_in = { state: "offered", pending: true, to: data.to, id, at };
  }
  return now;
}

const PERSONAL = ["name", "phone", "address", "note", "asker", "go"];

// Who lives there is told once: a later answer leaves it out, and once the visit is over the phone lets it go.
export function merged(visit, before) {
  if (!isOpen(visit) || visit.name !== undefined || before?.name === undefined) return visit;
  return { ...visit, ...Object.fromEntries(PERSONAL.map((field) => [field, before[field]])) };
}

// A visit without who lives there, and what the hall says of it.
export const nameless = (visit) => Object.fromEntries(Object.entries(visit).filter(([field]) => field !== "said" && !PERSONAL.includes(field)));

// What the phone needs not be told again.
export const holds = (visits) => visits.filter((visit) => isOpen(visit) && visit.name !== undefined).map((visit) => visit.no);

// The four big acts in their order; null when there is nothing left to do on this visit.
export function nextStep(visit) {
  if (visit.state === "scheduled") return "depart";
  if (visit.state === "on_the_way") return "arrive";
  if (visit.state === "on_site") return "complete";
  if (visit.state === "completed" && visit.to_hand_in && !visit.hand_in) return "hand_in";
  return null;
}

export const isOpen = (visit) => OPEN.has(visit.state);

// What stands in the middle of the page: the chosen visit, else the first with something left to do on the road.
export function inFront(visits, chosen) {
  return visits.find((visit) => visit.id === chosen && nextStep(visit))
    ?? visits.find((visit) => visit.state === "on_site" || visit.state === "on_the_way")
    ?? visits.find(isOpen)
    ?? visits.find((visit) => nextStep(visit))
    ?? null;
}

// Whether a citizen's papers or words are still on their way or with the team.
export const isDone = (visits, waiting) => waiting.length === 0 && visits.every((visit) => !nextStep(visit));

// Who of the team has signed in, with those whose press is on its way.
export function here(team, me, waiting) {
  const pressed = waiting.some((act) => act.kind === "sign_in" && act.by === me);
  return team.members.map((member) => ({ ...member, here: member.here || (pressed && member.username === me) }));
}
