// Typing on a touch screen: the keys drawn on it fill the field, and the list follows each letter.
//
// A place with [data-found] says where its list comes from (the address without q); #typed is the field, [data-key] a key.

const PAUSE_MS = 120;       // between two letters of somebody who types fast

export function typing(place) {
  let waiting = 0;
  let asked = 0;

  async function look(field) {
    const source = field.closest("[data-found]");
    if (source === null) return;        // a code is typed: nothing to list
    const mine = ++asked;
    const answer = await fetch(`${source.dataset.found}&q=${encodeURIComponent(field.value)}`, { cache: "no-store" }).catch(() => null);
    if (mine !== asked || !answer?.ok || !source.isConnected) return;
    const list = source.querySelector("#found");
    list.outerHTML = await answer.text();
    htmx.process(source.querySelector("#found"));
  }

  function changed(field) {
    clearTimeout(waiting);
    waiting = setTimeout(look, PAUSE_MS, field);
  }

  place.addEventListener("input", (event) => { if (event.target.id === "typed") changed(event.target); });
  place.addEventListener("click", (event) => {
    const key = event.target.closest("[data-key]")?.dataset.key;
    const field = place.querySelector("#typed");
    if (!key || !field) return;
    field.value = key === "clear" ? "" : key === "back" ? field.value.slice(0, -1) : (field.value + key).slice(0, field.maxLength);
    changed(field);
  });
}
