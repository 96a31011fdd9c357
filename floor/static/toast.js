// A short word at the edge of the page, with one act at most; it leaves by itself.

const SECONDS = 5;

export function say(text, { fault = false, act = null, seconds = SECONDS } = {}) {
  const shelf = document.getElementById("toasts");
  const toast = document.createElement("div");
  toast.className = fault ? "toast is-fault" : "toast";
  toast.append(Object.assign(document.createElement("span"), { textContent: text }));
  const leave = setTimeout(() => toast.remove(), seconds * 1000);
  if (act) {
    const button = Object.assign(document.createElement("button"), { className: "button", type: "button", textContent: act.word });
    button.addEventListener("click", () => { clearTimeout(leave); toast.remove(); act.run(); });
    toast.append(button);
  }
  shelf.append(toast);
  return toast;
}
