// On the screen that corrects refused rows: count the rows that changed, send only those cells, and reach a row's other cells by keyboard.
const form = document.querySelector("[data-correcting]");
const cells = () => [...form.querySelectorAll("[data-cell]")];
const isChanged = cell => cell.value !== cell.defaultValue;

function tell() {
  const rows = new Set(cells().filter(isChanged).map(cell => cell.closest("li")));
  document.querySelector("[data-changed]").textContent = rows.size ? `${rows.size} ${rows.size === 1 ? "row" : "rows"} changed.` : "Nothing changed yet.";
}

form?.addEventListener("input", tell);

form?.addEventListener("keydown", event => {
  if (event.key !== "ArrowDown" || !event.altKey || !event.target.matches("[data-wrong]")) return;
  event.preventDefault();
  const details = event.target.closest("li").querySelector("details");
  details.open = true;
  details.querySelector("[data-cell], summary").focus();
});

form?.addEventListener("htmx:after:swap", event => event.target.querySelector?.("[data-cell]")?.focus());

form?.addEventListener("submit", () => {
  for (const cell of cells()) cell.disabled = !isChanged(cell);
  setTimeout(() => { for (const cell of cells()) cell.disabled = false; });
});
