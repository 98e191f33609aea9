// Single keys, never while typing: / searches, n makes a new entry, ? lists the keys. The list has a switch that turns them off.
const enabled = () => { try { return localStorage.getItem("keys") !== "off"; } catch { return true; } };
const isTyping = target => target.matches?.("input, select, textarea, [contenteditable]") || target.closest?.("dialog, [role=menu]");
const isSeen = element => element.offsetParent !== null;

const DO = {
  "/": () => [...document.querySelectorAll("input[type=search]")].find(isSeen),
  "n": () => [...document.querySelectorAll('[data-key="n"]')].find(isSeen),
  "?": () => document.getElementById("keys"),
};

document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
  if (!enabled() || isTyping(event.target)) return;
  const found = DO[event.key]?.();
  if (!found) return;
  event.preventDefault();
  if (event.key === "/") { found.focus(); found.select(); }
  else if (event.key === "?") found.showModal();
  else found.click();
});

document.addEventListener("change", event => {
  if (!event.target.matches("[data-keys-on]")) return;
  try { localStorage.setItem("keys", event.target.checked ? "on" : "off"); } catch { /* storage is off */ }
});
document.querySelector("[data-keys-on]").checked = enabled();
