// data-dialog="#id" or "/address" opens a dialog; data-dialog-close, Esc, a click beside it, or a change that succeeded closes it, unless data-keep-open.
const fetched = document.getElementById("dialog");
const FIRST = "[autofocus], [data-focus], .dialog-body :is(input:not([type=hidden]), select, textarea), .dialog-footer button";

function open(dialog) {
  if (!dialog.open) dialog.showModal();
  dialog.querySelector(FIRST)?.focus();
}

async function fetchAndOpen(url, source) {
  const holder = document.createElement("div");
  fetched.replaceChildren(holder);
  await htmx.ajax("GET", url, { source: source.isConnected ? source : document.body, target: holder, swap: "innerHTML" });
  if (holder.isConnected && holder.childElementCount) open(fetched);
}

// data-as-listed: the dialog gets what the page's list is asked for, which live search keeps in the page's address.
function addressOf(opener) {
  const url = new URL(opener.dataset.dialog, location.origin);
  if ("asListed" in opener.dataset) for (const [name, value] of new URLSearchParams(location.search)) url.searchParams.set(name, value);
  return url.pathname + url.search;
}

// form.js may hold it open, for unsaved changes.
function mayClose(dialog) {
  return dialog.dispatchEvent(new CustomEvent("liaison:leave", { bubbles: true, cancelable: true }));
}

document.addEventListener("click", event => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) {
    event.preventDefault();
    const { dialog } = opener.dataset;
    return dialog.startsWith("#") ? open(document.querySelector(dialog)) : fetchAndOpen(addressOf(opener), opener);
  }
  const closer = event.target.closest("[data-dialog-close]")?.closest("dialog");
  if (closer && mayClose(closer)) closer.close();
});

document.addEventListener("cancel", event => {
  if (event.target.matches?.("dialog") && !mayClose(event.target)) event.preventDefault();
}, true);

let pressedBeside = null; // a press that began beside it, so that selecting text out of it does not close it
document.addEventListener("pointerdown", event => { pressedBeside = event.target.matches("dialog") ? event.target : null; });
document.addEventListener("click", event => {
  if (event.target === pressedBeside && event.target.open && isBeside(event) && mayClose(event.target)) event.target.close();
});

function isBeside({ target, clientX, clientY }) {
  const box = target.getBoundingClientRect();
  return clientX < box.left || clientX > box.right || clientY < box.top || clientY > box.bottom;
}

document.addEventListener("htmx:finally:request", event => {
  const { ctx } = event.detail;
  const succeeded = ctx.response?.status >= 200 && ctx.response.status < 300;
  if (succeeded && ctx.request.method !== "GET" && !ctx.sourceElement.closest("[data-keep-open]")) {
    ctx.sourceElement.closest("dialog[open]")?.close();
  }
});
