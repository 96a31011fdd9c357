// The device wall: asks what the demo's machines left behind, and plays new sentences in their order once sound is on.

const AGAIN_MS = 1_000;

const { path } = document.body.dataset;
const papers = document.getElementById("papers");
const said = document.getElementById("said");
const sound = document.getElementById("sound");
const player = new Audio();

let queue = [];
let heard = null;           // ids of the sentences that were there when sound was turned on
let busy = false;

async function look() {
  if (busy || document.hidden) return;
  busy = true;
  const answer = await fetch(`${path}/now`, { cache: "no-store" }).catch(() => null);
  busy = false;
  if (!answer?.ok) return;
  const found = await answer.json();
  found.strips.forEach(light);
  fill(papers, found.papers, paper);
  fill(said, found.said, sentence);
  listen(found.said);
}

function light(strip) {
  const dots = document.querySelector(`[data-strip="${strip.device}"] .dots`);
  if (!dots || !strip.version) return;
  const img = dots.firstElementChild;
  const source = `${path}/led/${strip.device}.png?v=${strip.version}`;
  if (img.getAttribute("src") !== source) img.setAttribute("src", source);
  img.alt = strip.text;
  dots.style.setProperty("--across", strip.width);
  dots.style.aspectRatio = `${strip.width} / ${strip.height}`;
  dots.classList.toggle("flash", strip.flash);
}

// Keep the list in step without drawing again what is there already.
function fill(list, items, make) {
  const known = new Map([...list.children].map((child) => [child.dataset.id, child]));
  items.forEach((item, at) => {
    const child = known.get(item.id) ?? make(item);
    known.delete(item.id);
    if (list.children[at] !== child) list.insertBefore(child, list.children[at] ?? null);
  });
  known.forEach((child) => child.remove());
}

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function paper(item) {
  const made = element("li", {}, element("img", { src: `${path}/paper/${item.id}.png`, width: item.width, height: item.height, alt: item.by }), element("small", { className: "num", textContent: `${item.at} · ${item.by}` }));
  made.dataset.id = item.id;
  return made;
}

function sentence(item) {
  const play = element("button", { className: "button", type: "button", textContent: said.dataset.play });
  play.addEventListener("click", () => { queue = []; start(item.id); });
  const made = element("li", {}, play, element("span", { className: "text", textContent: item.text }), element("small", { className: "soft num", textContent: `${item.at} · ${item.by} · ${said.dataset.seconds.replace("{n}", item.seconds.toFixed(1))}` }));
  made.dataset.id = item.id;
  return made;
}

function listen(sentences) {
  if (!heard) return;
  const fresh = sentences.filter((item) => !heard.has(item.id)).reverse();
  fresh.forEach((item) => { heard.add(item.id); queue.push(item.id); });
  if (player.paused && queue.length) start(queue.shift());
}

function start(id) {
  for (const line of said.children) line.classList.toggle("now", line.dataset.id === id);
  player.src = `${path}/voice/${id}.wav`;
  player.play().catch((refused) => { console.warn("sound was not played", refused.name); next(); });
}

function next() {
  for (const line of said.children) line.classList.remove("now");
  if (queue.length) start(queue.shift());
}
player.addEventListener("ended", next);
player.addEventListener("error", next);

sound.addEventListener("click", () => {
  const on = sound.getAttribute("aria-pressed") !== "true";
  sound.setAttribute("aria-pressed", String(on));
  heard = on ? new Set([...said.children].map((line) => line.dataset.id)) : null;
  if (!on) { queue = []; player.pause(); }
});

document.addEventListener("hall:frame", () => setTimeout(look, 150));
setInterval(look, AGAIN_MS);
look();
