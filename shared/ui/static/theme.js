// The colours are light, dark, or what the device says ("auto"); set before the first paint.
(() => {
  const root = document.documentElement;
  const device = matchMedia("(prefers-color-scheme: dark)");
  const read = () => { try { return localStorage.getItem("theme") || "auto"; } catch { return "auto"; } };
  const isDark = () => read() === "dark" || (read() === "auto" && device.matches);

  function show() {
    root.dataset.bsTheme = isDark() ? "dark" : "light";
    root.classList.toggle("dark-mode", isDark()); // the API page's own switch
  }

  function choose(theme) {
    try { localStorage.setItem("theme", theme); } catch { /* storage is off: it lasts for this page */ }
    show();
  }

  show();
  device.addEventListener("change", show);
  addEventListener("storage", show);
  document.addEventListener("click", event => {
    const choice = event.target.closest("[data-theme]");
    if (choice) choose(choice.dataset.theme);
    if (event.target.closest("[data-theme-switch]")) choose(isDark() ? "light" : "dark");
  });
  document.addEventListener("menu:open", event => {
    for (const item of event.target.querySelectorAll("[data-theme]")) {
      item.setAttribute("aria-checked", String(item.dataset.theme === read()));
    }
  });
})();
