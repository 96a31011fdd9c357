// The roster board with a script: a shift is dragged to another cell, a cell fills the form, solving shows how far it is.

const form = document.getElementById("place");
const board = document.querySelector(".roster");

if (board?.dataset.solving) setTimeout(() => location.reload(), 2_000);

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

const fill = (cell, shift, source = null) => {
  form.elements.from_clerk.value = source?.dataset.clerk ?? "";
  form.elements.from_day.value = source?.dataset.day ?? "";
  form.elements.clerk.value = cell.dataset.clerk;
  form.elements.day.value = cell.dataset.day;
  if (shift?.dataset.pattern) {
    form.elements.pattern.value = shift.dataset.pattern;
    form.elements.zone.value = shift.dataset.zone;
    form.elements.window.value = shift.dataset.window;
  }
};

if (form) {
  let dragged = null;
  board.addEventListener("click", (event) => {
    const shift = event.target.closest("a.shift");
    if (!shift) return;
    event.preventDefault();
    fill(shift.closest("td"), shift);
    form.elements.pattern.focus();
  });
  board.addEventListener("dragstart", (event) => { dragged = event.target.closest(".shift[data-pattern]"); });
  board.addEventListener("dragover", (event) => {
    const cell = event.target.closest("td[data-clerk]");
    for (const other of board.querySelectorAll("td.over")) other.classList.toggle("over", other === cell);
    if (!dragged || !cell) return;
    event.preventDefault();
    cell.classList.add("over");
  });
  board.addEventListener("drop", (event) => {
    const cell = event.target.closest("td[data-clerk]");
    if (!dragged || !cell || cell === dragged.closest("td")) return;
    event.preventDefault();
    fill(cell, dragged, dragged.closest("td"));
    form.requestSubmit();
  });
}
