// form[data-upload] sends one file as the raw body, shows how far it is, can be cancelled, and opens the place the answer names.
const UPLOAD = "form[data-upload]";
const running = new Map(); // form -> XMLHttpRequest
const LOST = "The connection broke before the whole file had arrived. Nothing was imported; try again.";
const ENDED = "Your session has ended. Sign in in another tab, then upload again.";

const part = (form, name) => form.querySelector(`[data-${name}]`);
const inputOf = form => form.querySelector("input[type=file]");
const size = bytes => bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} KB` : `${(bytes / 1e6).toFixed(1)} MB`;

function fault(form, text) {
  part(form, "fault").textContent = text;
  part(form, "fault").hidden = !text;
}

function refuse(form, file) {
  if (!file) return "Choose a file first.";
  if (!file.size) return "This file is empty. Choose another one.";
  const max = Number(form.dataset.max);
  return max && file.size > max ? `This file has ${size(file.size)}; at most ${form.dataset.maxText} can be taken. Split it, then upload the parts.` : "";
}

function going(form, is) {
  part(form, "going").hidden = part(form, "cancel").hidden = !is;
  part(form, "send").hidden = is;
  inputOf(form).disabled = is;
  form.classList.toggle("is-uploading", is);
}

function progress(form, file, done) {
  const percent = Math.floor((done / file.size) * 100);
  part(form, "bar").value = percent;
  part(form, "figure").textContent = done < file.size ? `${size(done)} of ${size(file.size)}` : "Reading the file…";
  if (percent % 25 === 0) part(form, "said").textContent = `${percent} % uploaded`;
}

function address(form) {
  const url = new URL(form.dataset.url, location.href);
  for (const [name, value] of new FormData(form)) if (typeof value === "string") url.searchParams.append(name, value);
  return url;
}

function send(form) {
  const file = inputOf(form).files[0];
  const wrong = refuse(form, file);
  fault(form, wrong);
  if (wrong) return inputOf(form).focus();
  const request = new XMLHttpRequest();
  request.open(form.dataset.method, address(form));
  request.setRequestHeader("Accept", "application/json");
  request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
  request.setRequestHeader("Content-Disposition", `attachment; filename*=UTF-8''${encodeURIComponent(file.name)}`);
  request.upload.addEventListener("progress", event => progress(form, file, event.loaded));
  request.addEventListener("loadend", () => end(form, request));
  part(form, "name").textContent = file.name;
  running.set(form, request);
  going(form, true);
  progress(form, file, 0);
  part(form, "cancel").focus();
  request.send(file);
}

function end(form, request) {
  running.delete(form);
  const answer = json(request.responseText);
  const place = answer.location || request.getResponseHeader("Location");
  if (request.status >= 200 && request.status < 300 && place) return location.assign(place);
  going(form, false);
  part(form, "send").focus();
  if (request.cancelled) return fault(form, "");
  if (request.status === 0) return fault(form, LOST);
  fault(form, request.status === 401 ? ENDED : explain(answer, request.status));
}

function explain({ detail, errors = {} }, status) {
  const more = Object.values(errors).flat().join(" ");
  return [detail, more].filter(Boolean).join(" ") || `The file was not taken (error ${status}). Try again in a moment.`;
}

function json(text) {
  try { return JSON.parse(text) ?? {}; } catch { return {}; }
}

document.addEventListener("submit", event => {
  const form = event.target.closest(UPLOAD);
  if (!form) return;
  event.preventDefault();
  if (!running.has(form)) send(form);
});

document.addEventListener("click", event => {
  const form = event.target.closest(`${UPLOAD} [data-cancel]`)?.closest(UPLOAD);
  const request = form && running.get(form);
  if (request) { request.cancelled = true; request.abort(); }
});

document.addEventListener("change", event => {
  const form = event.target.closest(UPLOAD);
  if (form && event.target === inputOf(form)) fault(form, "");
});

// Dropping: into the zone it counts; beside it, it must not make the browser leave the page.
for (const type of ["dragover", "drop"]) {
  document.addEventListener(type, event => {
    if (!document.querySelector(UPLOAD) || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    const zone = event.target.closest?.("[data-drop]");
    for (const other of document.querySelectorAll("[data-drop]")) other.classList.toggle("is-over", type === "dragover" && other === zone);
    if (type === "drop" && zone) take(zone.closest(UPLOAD), event.dataTransfer.files);
    else if (type === "dragover" && !zone) event.dataTransfer.dropEffect = "none";
  });
}
document.addEventListener("dragleave", event => event.target.closest?.("[data-drop]")?.classList.remove("is-over"));

function take(form, files) {
  if (running.has(form)) return;
  if (files.length > 1) return fault(form, "One file at a time, please.");
  inputOf(form).files = files;
  fault(form, "");
}

addEventListener("beforeunload", event => { if (running.size) event.preventDefault(); });
