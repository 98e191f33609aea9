// Live search: Down and Up move through the rows, Enter opens the first, empty filters stay out of the address.
const FORM = "form[data-live-search]";
const states = new WeakMap(); // form -> { waiting: the rows shown are older than the text, then: "open" or "enter" the first one }

const state = form => states.get(form) ?? states.set(form, { waiting: false, then: "" }).get(form);
const boxOf = form => form.querySelector("input[type=search]");
const listOf = form => document.querySelector(form.getAttribute("hx-target"));
const links = list => [...list.querySelectorAll("tr, [data-row]")].map(row => row.querySelector("a[href]")).filter(Boolean);

document.addEventListener("htmx:config:request", event => {
  const { ctx } = event.detail;
  if (!ctx.sourceElement.matches(FORM)) return;
  for (const [name, value] of [...ctx.request.body]) if (value === "") ctx.request.body.delete(name);
});

document.addEventListener("input", event => {
  const form = event.target.closest(FORM);
  if (form) Object.assign(state(form), { waiting: true, then: "" });
});

document.addEventListener("htmx:finally:request", event => {
  const { ctx } = event.detail;
  if (!ctx.sourceElement.matches?.(FORM) || ctx.status !== "swapped") return;
  const form = ctx.sourceElement, box = boxOf(form);
  const asked = new URL(ctx.request.action, location.href).searchParams.get(box.name) ?? "";
  if (asked !== box.value) return;
  const { then } = state(form);
  // A second answer to the same text takes away the row that was entered: enter it again.
  states.set(form, { waiting: false, then: then === "enter" ? then : "" });
  const first = links(listOf(form))[0];
  if (then === "open") first?.click();
  if (then === "enter" && [box, document.body].includes(document.activeElement)) first?.focus();
});

document.addEventListener("keydown", event => {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  const form = event.target.closest?.(FORM);
  if (form && event.target === boxOf(form)) inBox(event, form);
  else if (event.target.matches?.("tr a[href], [data-row] a[href]")) inRows(event);
});

function inBox(event, form) {
  const then = { ArrowDown: "enter", Enter: event.target.value.trim() && "open" }[event.key];
  if (!then) return;
  const first = links(listOf(form))[0];
  if (state(form).waiting) { event.preventDefault(); state(form).then = then; form.requestSubmit(); }
  else if (then === "open") { event.preventDefault(); first?.click(); }
  else if (first) { event.preventDefault(); first.focus(); }
}

function inRows(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const list = event.target.closest("table, [data-rows]");
  if (!step || !list) return;
  const all = links(list);
  const here = all.findIndex(link => link.closest("tr, [data-row]").contains(event.target));
  const box = [...document.querySelectorAll(FORM)].find(form => listOf(form)?.contains(list));
  const next = all[here + step] ?? (step < 0 && box ? boxOf(box) : null);
  if (next) { event.preventDefault(); next.focus(); }
}
