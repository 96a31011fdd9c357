// A visit chosen in a list is marked on the map, and the other way round. Whatever belongs to a visit carries data-visit:
// a row, a card, a mark. Enter or a touch chooses, again lets go, the arrows go to the row before and after, Escape lets go.

let chosen = null;

const OWN = "button, a, input, select, textarea, summary, label";
const every = () => document.querySelectorAll("#dispatch [data-visit]");

function show() {
  let mark = null;
  for (const one of every()) {
    const is = one.dataset.visit === chosen;
    if (is) one.setAttribute("aria-current", "true"); else one.removeAttribute("aria-current");
    if (is && one.matches(".mark")) mark = one;
  }
  document.querySelector(".round-map")?.classList.toggle("has-chosen", mark !== null);
  for (const one of document.querySelectorAll(".round-map [data-round]")) one.classList.toggle("is-with", one.dataset.round === mark?.dataset.round);
  const words = document.getElementById("chosen");
  if (words) words.textContent = mark?.getAttribute("aria-label") ?? "";
}

function choose(one) {
  const fresh = one.dataset.visit !== chosen;
  chosen = fresh ? one.dataset.visit : null;
  show();
  if (!fresh) return;
  const others = one.matches(".mark") ? "tr[data-visit], li[data-visit]" : ".mark[data-visit]";
  const other = [...document.querySelectorAll(others)].find((each) => each.dataset.visit === chosen && each.checkVisibility());
  other?.scrollIntoView({ block: "nearest", behavior: "smooth" });
}

document.addEventListener("click", (event) => {
  const one = event.target.closest?.("#dispatch [data-visit]");
  if (one && !event.target.closest(OWN)) choose(one);
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && chosen && !document.querySelector("[popover]:popover-open")) { chosen = null; show(); return; }
  const one = event.target;
  if (!one.matches?.("#dispatch [data-visit]")) return;
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    choose(one);
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const rows = [...every()].filter((each) => each.matches(".mark") === one.matches(".mark"));
    const next = rows[rows.indexOf(one) + (event.key === "ArrowDown" ? 1 : -1)];
    if (!next) return;
    event.preventDefault();
    next.focus();
    if (next.dataset.visit !== chosen) choose(next);
  }
});

// What a sheet asked for and could not be is said in the sheet alone, with all that was typed still there.
document.addEventListener("htmx:after:swap", (event) => {
  const sheet = document.getElementById("sheet");
  const form = event.detail.ctx?.form;
  if (!form || !sheet?.contains(form)) return;
  sheet.querySelector(".sheet-said")?.remove();
  const sentence = document.getElementById("sentence");
  if (!sentence?.classList.contains("is-fault")) return;
  const said = sentence.cloneNode(true);
  said.removeAttribute("id");
  said.className = "banner is-fault sheet-said";
  said.setAttribute("role", "alert");
  sheet.prepend(said);
  sentence.replaceChildren();
  sentence.className = "banner is-quiet";
  sheet.showPopover();
});

// What was folded open stays open when the page is drawn anew.
const unfolded = new Set();
document.addEventListener("click", (event) => {
  const fold = event.target.closest?.("#dispatch details[id] > summary")?.parentElement;
  if (fold) unfolded[fold.open ? "delete" : "add"](fold.id);
});

document.addEventListener("htmx:after:settle", () => {
  for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
  show();
});
