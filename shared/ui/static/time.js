// Times are told in the reader's own zone, and "3 minutes ago" stays true while the page is open.
const STEPS = [["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60]];
const MONTH = 2592000;
const LANGUAGE = document.documentElement.lang || "en";
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const clock = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
const relative = new Intl.RelativeTimeFormat(LANGUAGE, { numeric: "always" });

function distance(moment) {
  const seconds = (moment - Date.now()) / 1000;
  if (Math.abs(seconds) >= MONTH) return day.format(moment);
  if (Math.abs(seconds) < 60) return seconds < 30 ? "just now" : "in a moment";
  const [unit, length] = STEPS.find(step => step[1] <= Math.abs(seconds));
  return relative.format(Math.trunc(seconds / length), unit);
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function tell() {
  for (const element of document.querySelectorAll("time[data-ago], time[data-local]")) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    element.title = clock.format(moment);
    if ("ago" in element.dataset) set(element, distance(moment));
    else set(element, (element.dataset.local === "clock" ? clock : day).format(moment));
  }
}

document.addEventListener("DOMContentLoaded", tell);
document.addEventListener("htmx:after:swap", tell);
setInterval(tell, 30_000);
