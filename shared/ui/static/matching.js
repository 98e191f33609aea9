// On the screen that matches columns: give each column the list of fields, and say whether its field was found or chosen.
const fields = document.getElementById("fields");
for (const select of document.querySelectorAll("[data-fields]")) {
  const { value } = select;
  select.replaceChildren(fields.content.cloneNode(true));
  select.value = value;
}

const show = (row, name) => {
  for (const part of row.querySelectorAll("[data-when]")) part.hidden = part.dataset.when !== name;
};

// What is asked only where certain fields are fed, by a column or by one value for all rows.
const ask = () => {
  const fed = new Set([...document.querySelectorAll("#matching [data-fields]")].map(select => select.value));
  for (const part of document.querySelectorAll("[data-with-fields]"))
    part.hidden = !part.dataset.withFields.split(" ").some(name => fed.has(name));
};
ask(); // somebody may have chosen before this script was there

document.addEventListener("change", event => {
  const select = event.target.closest("[data-column]");
  if (select) show(select.closest("tr"), !select.value ? "none" : select.value === select.dataset.found ? "found" : "chosen");
  if (event.target.matches("[data-fields]")) ask();
  const unknown = event.target.closest(".value-row")?.querySelector("[data-unknown]");
  if (unknown) unknown.hidden = event.target.value !== "";
  if (event.target.name === "keep_unmapped") {
    for (const part of document.querySelectorAll("[data-kept]")) part.hidden = !event.target.checked;
    for (const part of document.querySelectorAll("[data-dropped]")) part.hidden = event.target.checked;
  }
});
