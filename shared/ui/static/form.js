// A form is sent once at a time, and [data-guard] is not left by accident with unsaved changes.
const initial = new WeakMap();
const sending = new WeakSet();
const requested = new WeakSet(); // by htmx
const DOUBLE_CLICK = 600; // the second click may come after a quick answer
const DOWNLOAD = 10_000; // a form that leads to a download stays on the page: it can be sent again after this

const content = form => JSON.stringify([...new FormData(form)].map(([name, value]) => [name, value instanceof File ? value.name : value]));
const isDirty = form => initial.has(form) && !sending.has(form) && initial.get(form) !== content(form);

// A form that came back refused still holds what nobody has saved.
function watch() {
  for (const form of document.querySelectorAll("form[data-guard]")) {
    if (!initial.has(form)) initial.set(form, form.querySelector("[aria-invalid=true], [data-focus]") ? "" : content(form));
  }
}

function busy(form, is) {
  if (is) sending.add(form); else sending.delete(form);
  for (const button of form.querySelectorAll("button[type=submit], button:not([type])")) {
    if (is) button.setAttribute("aria-disabled", "true"); else button.removeAttribute("aria-disabled");
  }
}

// Before htmx and the browser see it: a second submit while the first is on its way is dropped.
addEventListener("submit", event => {
  const form = event.target;
  if (form.getAttribute("method") === "dialog" || form.matches('[role="search"], [data-upload]')) return;
  if (sending.has(form)) { event.preventDefault(); event.stopImmediatePropagation(); return; }
  busy(form, true);
  setTimeout(() => { if (event.defaultPrevented && !requested.has(form)) busy(form, false); }); // nobody sent it
  setTimeout(() => { if (!requested.has(form)) busy(form, false); }, DOWNLOAD);
}, true);

const formOf = ({ request, sourceElement }) => request.method !== "GET" && sourceElement.matches?.("form, button") ? sourceElement.closest("form") : null;

document.addEventListener("htmx:before:request", event => {
  const form = formOf(event.detail.ctx);
  if (form) { requested.add(form); busy(form, true); }
});

document.addEventListener("htmx:finally:request", event => {
  const { ctx } = event.detail;
  const form = formOf(ctx);
  if (!form || (ctx.hx?.redirect && ctx.response.status < 400)) return; // the page is being left
  requested.delete(form);
  const done = ctx.response?.status < 300 && ctx.sourceElement === form;
  if (done) { initial.set(form, content(form)); setTimeout(() => busy(form, false), DOUBLE_CLICK); }
  else busy(form, false);
});

addEventListener("pageshow", () => { for (const form of document.forms) busy(form, false); });

addEventListener("beforeunload", event => {
  if ([...document.forms].some(isDirty)) event.preventDefault();
});

document.addEventListener("liaison:leave", event => {
  const dirty = [...event.target.querySelectorAll("form")].some(isDirty);
  if (dirty && !confirm("Close without saving your changes?")) event.preventDefault();
});

document.addEventListener("DOMContentLoaded", watch);
document.addEventListener("htmx:after:swap", watch);
