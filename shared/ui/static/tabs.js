// Tabs by mouse, arrows and address (#id); a panel that is shown for the first time may fetch itself (hx-trigger="shown once").
const ready = new WeakSet();

const tabsOf = set => [...set.querySelectorAll(':scope > .card-header [role="tab"]')];
const panelOf = tab => document.getElementById(tab.getAttribute("aria-controls"));

function select(set, tab, { focus = false, remember = true } = {}) {
  for (const other of tabsOf(set)) {
    const chosen = other === tab;
    other.classList.toggle("active", chosen);
    other.setAttribute("aria-selected", String(chosen));
    other.tabIndex = chosen ? 0 : -1;
    panelOf(other).hidden = !chosen;
  }
  if (focus) tab.focus();
  if (remember) history.replaceState(history.state, "", `#${tab.dataset.tab}`);
  panelOf(tab).dispatchEvent(new CustomEvent("shown"));
}

function fromAddress(set) {
  const wanted = location.hash && tabsOf(set).find(tab => `#${tab.dataset.tab}` === location.hash);
  return wanted || tabsOf(set).find(tab => tab.getAttribute("aria-selected") === "true");
}

function prepare() {
  for (const set of document.querySelectorAll("[data-tabs]")) {
    if (ready.has(set)) continue;
    ready.add(set);
    select(set, fromAddress(set), { remember: false });
  }
}

document.addEventListener("click", event => {
  const tab = event.target.closest('[data-tabs] [role="tab"]');
  if (tab) select(tab.closest("[data-tabs]"), tab);
});

document.addEventListener("keydown", event => {
  const tab = event.target.closest?.('[data-tabs] [role="tab"]');
  if (!tab) return;
  const all = tabsOf(tab.closest("[data-tabs]")), at = all.indexOf(tab);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  select(tab.closest("[data-tabs]"), all.at(to % all.length), { focus: true });
});

addEventListener("hashchange", () => {
  for (const set of document.querySelectorAll("[data-tabs]")) select(set, fromAddress(set), { remember: false });
});
document.addEventListener("DOMContentLoaded", prepare);
document.addEventListener("htmx:after:swap", prepare);

// htmx looks at a new page a moment after it was prepared: only now a panel hears that it is shown.
document.addEventListener("htmx:after:process", () => {
  for (const set of document.querySelectorAll("[data-tabs]")) {
    const shown = tabsOf(set).find(tab => tab.getAttribute("aria-selected") === "true");
    if (shown) panelOf(shown).dispatchEvent(new CustomEvent("shown"));
  }
});
