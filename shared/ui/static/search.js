// Live search: Down and Up move through the rows, Enter opens the first, empty filters stay out of the address.
const FORM = "form[data-live-search]";
// form -> waiting: the rows shown are older than the text; then: "open" or "enter" the first one;
// asking, shown: the query under way, and the one whose rows are there.
const states = new WeakMap();

const state = form => states.get(form) ?? states.set(form, { waiting: false, then: "", asking: null, shown: null }).get(form);
const boxOf = form => form.querySelector("input[type=search]");
const listOf = form => document.querySelector(form.getAttribute("hx-target"));
const links = list => [...list.querySelectorAll("tr, [data-row]")].map(row => row.querySelector("a[href]")).filter(Boolean);

document.addEventListener("htmx:config:request", event => {
  const { ctx } = event.detail, form = ctx.sourceElement;
  if (!form.matches(FORM)) return;
  for (const [name, value] of [...ctx.request.body]) if (value === "") ctx.request.body.delete(name);
  ctx.asked = new URLSearchParams(ctx.request.body).toString();
  // The same rows once more would take away the one that somebody has entered meanwhile.
  if (ctx.asked === state(form).shown && listOf(form).contains(document.activeElement)) event.preventDefault();
  else state(form).asking = ctx.asked;
});

document.addEventListener("input", event => {
  const form = event.target.closest(FORM);
  if (form) Object.assign(state(form), { waiting: true, then: "" });
});

document.addEventListener("htmx:finally:request", event => {
  const { ctx } = event.detail, form = ctx.sourceElement;
  if (!form.matches?.(FORM)) return;
  if (state(form).asking === ctx.asked) state(form).asking = null;
  if (ctx.status !== "swapped") return;
  state(form).shown = ctx.asked;
  const box = boxOf(form);
  if ((new URLSearchParams(ctx.asked).get(box.name) ?? "") !== box.value) return;
  const { then } = state(form), first = links(listOf(form))[0];
  Object.assign(state(form), { waiting: false, then: "" });
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
  if (state(form).waiting) { event.preventDefault(); state(form).then = then; if (!isAsked(form)) form.requestSubmit(); }
  else if (then === "open") { event.preventDefault(); first?.click(); }
  else if (first) { event.preventDefault(); first.focus(); }
}

// Whether the rows for the text in the box are on their way.
function isAsked(form) {
  const { asking } = state(form), box = boxOf(form);
  return asking !== null && (new URLSearchParams(asking).get(box.name) ?? "") === box.value;
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
