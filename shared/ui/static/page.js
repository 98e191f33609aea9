// Small things on any page: the sidebar's button, copying, showing a password, and the focus going to what must be read.
const focusOn = selector => (document.querySelector("dialog[open]") ?? document).querySelector(selector)?.focus();
const flip = (element, name) => {
  const now = element.getAttribute(name) !== "true";
  element.setAttribute(name, String(now));
  return now;
};

document.addEventListener("click", event => {
  const sidebar = event.target.closest("[data-sidebar]");
  if (sidebar) document.getElementById("sidebar").classList.toggle("show", flip(sidebar, "aria-expanded"));

  const reveal = event.target.closest("[data-reveal]");
  if (reveal) document.getElementById(reveal.dataset.reveal).type = flip(reveal, "aria-pressed") ? "text" : "password";

  const copy = event.target.closest("[data-copy]");
  if (copy) copyText(copy.dataset.copy);
});

async function copyText(text) {
  let detail = { text: "Copied.", tone: "success" };
  try { await navigator.clipboard.writeText(text); }
  catch { detail = { text: `Your browser does not let us copy. Here it is: ${text}`, tone: "warning" }; }
  document.dispatchEvent(new CustomEvent("liaison:toast", { detail }));
}

document.addEventListener("DOMContentLoaded", () => focusOn("[data-focus]"));
document.addEventListener("htmx:after:swap", event => {
  if (event.detail.ctx.response?.status === 422) focusOn("[data-focus], [aria-invalid=true]");
});
