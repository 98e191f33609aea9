// form[data-ticks="#list"]: rows of the list that are ticked stay so while it is searched; the form sends them.
const FORM = "form[data-ticks]";
const formOf = element => [...document.querySelectorAll(FORM)].find(form => document.querySelector(form.dataset.ticks)?.contains(element));
const inputs = form => [...form.querySelectorAll("input[name=account]")];
const boxes = form => [...document.querySelectorAll(`${form.dataset.ticks} [data-tick]`)];

function keep(form, id, is) {
  const there = inputs(form).find(input => input.value === id);
  if (is && !there) form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "account", value: id }));
  if (!is) there?.remove();
}

// After each change and each new list: the boxes say what is kept, the bar how many.
function tell(form) {
  const kept = new Set(inputs(form).map(input => input.value)), here = boxes(form);
  for (const box of here) box.checked = kept.has(box.value);
  const all = document.querySelector(`${form.dataset.ticks} [data-tick-all]`);
  const ticked = here.filter(box => box.checked).length;
  if (all) Object.assign(all, { checked: ticked > 0 && ticked === here.length, indeterminate: ticked > 0 && ticked < here.length });
  form.hidden = !kept.size;
  form.querySelector("[data-ticks-told]").textContent = `${kept.size} ticked`;
}

document.addEventListener("change", event => {
  const form = event.target.matches("[data-tick], [data-tick-all]") && formOf(event.target);
  if (!form) return;
  const changed = event.target.matches("[data-tick]") ? [event.target] : boxes(form);
  for (const box of changed) keep(form, box.value, event.target.checked);
  tell(form);
});

document.addEventListener("click", event => {
  const form = event.target.closest("[data-untick]")?.closest(FORM);
  if (!form) return;
  for (const input of inputs(form)) input.remove();
  tell(form);
});

const tellAll = () => document.querySelectorAll(FORM).forEach(tell);
document.addEventListener("htmx:after:swap", tellAll);
addEventListener("pageshow", tellAll);
