// What can be done with a thing: right-click, its ⋮ button, Shift+F10 or the menu key. Follows the WAI-ARIA menu pattern.
const menu = document.getElementById("menu");
const ITEMS = '[role^="menuitem"]';
const GAP = 4, EDGE = 8;
let open = null; // { host: has data-menu, from: gets the focus back, button, stands: was drawn }

const items = () => [...menu.querySelectorAll(ITEMS)];

function close(giveBackFocus) {
  if (!open) return;
  const { host, from, button } = open;
  open = null;
  menu.hidden = true;
  host.classList.remove("menu-open");
  button?.setAttribute("aria-expanded", "false");
  if (giveBackFocus) from?.focus({ preventScroll: true });
}

async function show(host, from, anchor, button) {
  close(false);
  const mine = open = { host, from, button };
  const holder = document.createElement("div");
  holder.setAttribute("role", "none");
  menu.replaceChildren(holder);
  host.classList.add("menu-open");
  await fill(holder, host);
  if (open !== mine) return;
  if (!items().length) return close(false); // failure.js has told why
  menu.hidden = false;
  button?.setAttribute("aria-expanded", "true");
  menu.dispatchEvent(new CustomEvent("menu:open", { bubbles: true }));
  place(anchor);
  items()[0].focus({ preventScroll: true });
  requestAnimationFrame(() => { mine.stands = true; });
}

async function fill(holder, host) {
  const source = host.dataset.menu;
  if (!source.startsWith("#")) return htmx.ajax("GET", source, { source: host, target: holder, swap: "innerHTML" });
  holder.append(document.querySelector(source).content.cloneNode(true));
  htmx.process(holder);
}

function place(anchor) {
  const { width, height } = menu.getBoundingClientRect();
  const below = anchor.bottom + GAP, above = anchor.top - GAP - height;
  const top = below + height + EDGE <= innerHeight || above < EDGE ? below : above;
  menu.style.left = `${Math.max(EDGE, Math.min(anchor.left, innerWidth - width - EDGE))}px`;
  menu.style.top = `${Math.max(EDGE, Math.min(top, innerHeight - height - EDGE))}px`;
}

function byKeyboard(host, target) {
  const from = target === host ? host.querySelector("a[href], button") : target;
  show(host, from, from.getBoundingClientRect(), null);
}

document.addEventListener("contextmenu", event => {
  if (menu.contains(event.target)) return event.preventDefault();
  const host = event.target.closest("[data-menu]:not(button)");
  if (!host || event.shiftKey) return; // Shift and right-click: the browser's own menu
  event.preventDefault();
  const byPointer = event.button === 2 || event.ctrlKey || event.pointerType === "touch"; // Ctrl: one-button mice
  if (!byPointer) return byKeyboard(host, event.target);
  const point = { left: event.clientX, top: event.clientY, bottom: event.clientY };
  const from = host.contains(document.activeElement) ? document.activeElement : host.querySelector("a[href], button");
  show(host, from, point, null);
});

document.addEventListener("keydown", event => {
  if (event.key !== "ContextMenu" && !(event.key === "F10" && event.shiftKey)) return;
  const host = event.target.closest?.("[data-menu]:not(button)");
  if (!host) return;
  event.preventDefault();
  byKeyboard(host, event.target);
});

document.addEventListener("click", event => {
  const button = event.target.closest("[data-menu-button]");
  if (button) {
    if (open?.button === button) return close(true);
    return show(button.closest("[data-menu]"), button, button.getBoundingClientRect(), button);
  }
  if (menu.contains(event.target) && event.target.closest(ITEMS)) close(true);
});

document.addEventListener("pointerdown", event => {
  if (open && !menu.contains(event.target) && !open.button?.contains(event.target)) close(false);
});

menu.addEventListener("keydown", event => {
  const all = items(), at = all.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key] ?? firstWith(event.key, all, at);
  if (to !== undefined) {
    event.preventDefault();
    all.at(to % all.length).focus();
  } else if (event.key === "Escape") {
    event.preventDefault();
    close(true);
  } else if (event.key === "Tab") {
    close(true);
  } else if (event.key === " ") {
    event.preventDefault();
    document.activeElement.click();
  }
});

function firstWith(key, all, at) {
  if (key.length !== 1 || key === " ") return undefined;
  const order = [...all.slice(at + 1), ...all.slice(0, at + 1)];
  const found = order.find(item => item.textContent.trim().toLowerCase().startsWith(key.toLowerCase()));
  return found && all.indexOf(found);
}

addEventListener("resize", () => close(false));
// A scroll from before the right-click is told after it, with the next frame; by then the menu may be there.
addEventListener("scroll", event => { if (open?.stands && !menu.contains(event.target)) close(false); }, true);
