// A form is sent once at a time, and [data-guard] is not left by accident with unsaved changes.
const initial = new WeakMap();
const sending = new WeakSet();

const content = form => JSON.stringify([...new FormData(form)].map(([name, value]) => [name, value instanceof File ? value.name : value]));
const isDirty = form => initial.has(form) && !sending.has(form) && initial.get(form) !== content(form);

function watch(root) {
  for (const form of root.querySelectorAll?.("form[data-guard]") ?? []) {
    if (!initial.has(form)) initial.set(form, form.dataset.guard === "changed" ? "" : content(form));
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
  if (form.matches("[hx-get], [hx-post], [hx-put], [hx-patch], [hx-delete]")) return; // below
  busy(form, true);
  setTimeout(() => { if (event.defaultPrevented) busy(form, false); });
}, true);

const formOf = event => event.detail.ctx.request.method === "GET" ? null : event.detail.ctx.sourceElement.closest("form");
document.addEventListener("htmx:before:request", event => { const form = formOf(event); if (form) busy(form, true); });
document.addEventListener("htmx:finally:request", event => {
  const { ctx } = event.detail;
  const form = formOf(event);
  if (!form) return;
  if (ctx.hx?.redirect && ctx.response.status < 400) return; // the page is being left
  busy(form, false);
  if (ctx.response?.status < 300 && ctx.sourceElement === form) initial.set(form, content(form));
});
addEventListener("pageshow", () => { for (const form of document.forms) busy(form, false); });

addEventListener("beforeunload", event => {
  if ([...document.forms].some(isDirty)) event.preventDefault();
});

document.addEventListener("liaison:leave", event => {
  const dirty = [...event.target.querySelectorAll("form")].some(isDirty);
  if (dirty && !confirm("Close without saving your changes?")) event.preventDefault();
});

document.addEventListener("DOMContentLoaded", () => watch(document));
document.addEventListener("htmx:after:swap", () => watch(document));
