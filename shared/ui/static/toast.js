// A toast tells what was done: sent by the server with an answer, left in a cookie for the next page, or by a script.
const box = document.getElementById("toasts");
const COOKIE = "liaison_toast";
const SECONDS = { success: 6, info: 8, warning: 12, danger: 20 };

const LONGEST = 300;

const isLocal = url => typeof url === "string" && /^\/(?!\/)/.test(url);

function build({ text, tone = "success", undo_url: undo, link }) {
  const note = document.getElementById("toast-template").content.firstElementChild.cloneNode(true);
  const icons = document.getElementById("toast-icons").content;
  const icon = icons.querySelector(`[data-tone="${CSS.escape(tone)}"]`) || icons.firstElementChild;
  note.dataset.tone = icon.dataset.tone;
  note.querySelector(".toast-icon").append(icon.firstElementChild.cloneNode(true));
  note.querySelector(".toast-text").textContent = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  if (isLocal(undo)) {
    const button = note.querySelector("[data-undo]");
    button.hidden = false;
    button.addEventListener("click", () => { note.remove(); htmx.ajax("POST", undo, { target: document.body, swap: "none" }); });
  }
  if (link && isLocal(link.href)) {
    const anchor = Object.assign(document.createElement("a"), { className: "btn btn-sm", href: link.href, textContent: link.text, target: "_blank" });
    note.querySelector(".toast-text").after(anchor);
  }
  return note;
}

function show(detail) {
  if (!detail?.text) return;
  const note = build(detail);
  // An open dialog makes the rest of the page inert, so its toasts live inside it.
  const dialog = [...document.querySelectorAll("dialog[open]")].at(-1);
  (dialog || document.body).append(box);
  const region = box.querySelector(note.dataset.tone === "danger" ? "[data-urgent]" : "[data-polite]");
  region.append(note);
  while (region.children.length > 3) region.firstElementChild.remove();
  leave(note, SECONDS[note.dataset.tone] * (detail.undo_url ? 2 : 1));
}

// It stays while the pointer or the focus is on it.
function leave(note, seconds) {
  let timer;
  const stay = () => clearTimeout(timer);
  const go = () => { stay(); timer = setTimeout(() => note.remove(), seconds * 1000); };
  note.addEventListener("pointerenter", stay);
  note.addEventListener("focusin", stay);
  note.addEventListener("pointerleave", go);
  note.addEventListener("focusout", go);
  go();
}

function fromCookie() {
  const found = document.cookie.match(new RegExp(`(?:^|; )${COOKIE}=([^;]*)`));
  if (!found) return;
  document.cookie = `${COOKIE}=; Max-Age=0; path=/; SameSite=Lax`;
  try { show(JSON.parse(decodeURIComponent(found[1]))); } catch { /* not ours */ }
}

document.addEventListener("liaison:toast", event => show(event.detail));
document.addEventListener("click", event => event.target.closest("[data-toast-close]")?.closest(".toast-note").remove());
document.addEventListener("close", event => { if (event.target.contains(box)) document.body.append(box); }, true);
addEventListener("pageshow", fromCookie);
