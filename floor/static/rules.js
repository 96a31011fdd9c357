// Finding a rule among many: what is typed leaves the cards, lines and contents that have it, and opens the tables it is in.

const find = document.getElementById("find");
const said = document.getElementById("found");
const cards = [...document.querySelectorAll(".rule-body section.card[id]")];
const LINES = ".rule-field, .rule-table tbody tr";
const was = new Map([...document.querySelectorAll(".rule-body details")].map((table) => [table, table.open]));

function look() {
  const asked = find.value.trim().toLowerCase();
  let found = 0;
  for (const card of cards) {
    const heading = has(card.querySelector("h2"), asked);
    const lines = [...card.querySelectorAll(LINES)];
    let own = 0;
    for (const line of lines) {
      const fits = heading || has(line, asked);
      line.classList.toggle("filtered-out", !fits);
      if (fits) own += 1;
    }
    const fits = !asked || heading || own > 0 || has(card, asked) && lines.length === 0;
    card.classList.toggle("filtered-out", !fits);
    document.querySelector(`.contents a[href="#${card.id}"]`).classList.toggle("no-match", !fits);
    if (fits) found += lines.length ? own : 1;
  }
  for (const [table, before] of was) table.open = asked ? table.querySelector(`tbody tr:not(.filtered-out)`) !== null : before;
  said.textContent = !asked ? "" : found ? said.dataset.words.replace("#", found) : said.dataset.none;
}

function has(part, asked) {
  const values = [...part.querySelectorAll("input:not([type=hidden])")].map((input) => `${input.name} ${input.value}`);
  return `${part.textContent} ${values.join(" ")}`.toLowerCase().includes(asked);
}

find.addEventListener("input", look);
document.getElementById("finder").hidden = false;
