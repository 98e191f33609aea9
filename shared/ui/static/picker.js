// [data-picker]: choose one of many by typing; arrows move, Enter or a click chooses. Follows the WAI-ARIA combobox pattern.
const partsOf = picker => ({
  box: picker.querySelector("[role=combobox]"),
  value: picker.querySelector("input[type=hidden]"),
  list: picker.querySelector("[role=listbox]"),
});
const waiting = new WeakMap(); // picker that has not been answered yet -> "" or "choose"
const options = list => [...list.querySelectorAll("[role=option]")];
const marked = list => list.querySelector("[aria-selected=true]");

function show(picker, is) {
  const { box, list } = partsOf(picker);
  list.hidden = !is;
  box.setAttribute("aria-expanded", String(is));
  if (!is) mark(picker, null);
}

function mark(picker, option) {
  const { box, list } = partsOf(picker);
  for (const one of options(list)) one.setAttribute("aria-selected", String(one === option));
  if (!option) return box.removeAttribute("aria-activedescendant");
  box.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

function setValue(picker, chosen) {
  partsOf(picker).value.value = chosen;
  const more = picker.dataset.reveals && document.querySelector(picker.dataset.reveals);
  if (more) more.hidden = more.disabled = chosen !== more.dataset.new;
}

// [data-many="#list"]: each chosen one becomes an entry of the list, once, and the box is free for the next.
function addTo(list, { value, text }) {
  if ([...list.querySelectorAll("input")].some(one => one.value === value)) return;
  const entry = document.createElement("li"), name = document.createElement("bdi");
  const hidden = document.createElement("input"), button = document.createElement("button");
  entry.className = "badge tint tint-blue";
  name.textContent = text;
  Object.assign(hidden, { type: "hidden", name: list.dataset.name, value });
  Object.assign(button, { type: "button", className: "btn-close", ariaLabel: `Take ${text} off` });
  button.dataset.takeOff = "";
  entry.append(name, hidden, button);
  list.append(entry);
}

document.addEventListener("click", event => {
  const entry = event.target.closest("[data-take-off]")?.closest("li");
  if (!entry) return;
  const box = document.querySelector(`[data-many="#${entry.parentElement.id}"] [role=combobox]`);
  entry.remove();
  box?.focus();
});

function choose(picker, option) {
  if (picker.dataset.many) {
    addTo(document.querySelector(picker.dataset.many), option.dataset);
    partsOf(picker).box.value = "";
    partsOf(picker).list.replaceChildren();
    return show(picker, false);
  }
  partsOf(picker).box.value = option.dataset.text;
  setValue(picker, option.dataset.value);
  show(picker, false);
  partsOf(picker).value.dispatchEvent(new Event("input", { bubbles: true })); // a list around it is filtered anew
}

document.addEventListener("input", event => {
  const picker = event.target.matches("[role=combobox]") && event.target.closest("[data-picker]");
  if (!picker) return;
  setValue(picker, "");
  mark(picker, null);
  waiting.set(picker, "");
});

// The answer to what stands there now: open the list, unless something was chosen meanwhile. An older answer is passed over,
// so that Enter never chooses what was offered for fewer letters; pressed before the answer, it chooses the first of it.
document.addEventListener("htmx:finally:request", event => {
  const { sourceElement } = event.detail.ctx;
  const picker = sourceElement.matches?.("[role=combobox]") && sourceElement.closest("[data-picker]");
  if (!picker || document.activeElement !== sourceElement || partsOf(picker).value.value) return;
  const asked = new URL(event.detail.ctx.request.action, location.href).searchParams.get(sourceElement.name) ?? "";
  if (asked !== sourceElement.value) return;
  const then = waiting.get(picker);
  waiting.delete(picker);
  const { list } = partsOf(picker);
  show(picker, list.childElementCount > 0);
  if (sourceElement.value.trim()) mark(picker, options(list)[0] ?? null);
  if (then === "choose" && marked(list)) choose(picker, marked(list));
});

document.addEventListener("keydown", event => {
  const picker = event.target.matches?.("[role=combobox]") && event.target.closest("[data-picker]");
  if (!picker || event.isComposing) return;
  const { list } = partsOf(picker);
  const all = options(list), at = all.indexOf(marked(list));
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    show(picker, all.length > 0);
    const next = event.key === "ArrowDown" ? at + 1 : Math.max(at, 0) - 1 + all.length;
    mark(picker, all[next % all.length] ?? null);
  } else if (event.key === "Enter" && waiting.has(picker) && partsOf(picker).box.value.trim()) {
    event.preventDefault();
    waiting.set(picker, "choose");
  } else if (event.key === "Enter" && !list.hidden && at >= 0) {
    event.preventDefault();
    choose(picker, all[at]);
  } else if (event.key === "Escape" && !list.hidden) {
    event.preventDefault(); // closes the list, not the dialog around it
    show(picker, false);
  }
});

document.addEventListener("pointerdown", event => {
  const option = event.target.closest?.("[data-picker] [role=option]");
  if (!option) return;
  event.preventDefault(); // the box keeps the focus
  choose(option.closest("[data-picker]"), option);
});

document.addEventListener("focusout", event => {
  const picker = event.target.closest?.("[data-picker]");
  if (picker) show(picker, false);
});
