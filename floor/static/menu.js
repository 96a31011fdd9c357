// The menu's lists: one is open at a time (the browser sees to that), and it closes by Escape, a click elsewhere, or when left.

const open = () => document.querySelector(".places details[open]");

document.addEventListener("keydown", (event) => {
  const list = open();
  if (event.key !== "Escape" || !list) return;
  list.open = false;
  if (list.contains(document.activeElement)) list.querySelector("summary").focus();
});
document.addEventListener("click", (event) => {
  const list = open();
  if (list && !list.contains(event.target)) list.open = false;
});
document.addEventListener("focusin", (event) => {
  const list = open();
  if (list && !list.contains(event.target)) list.open = false;
});
