// A request that was refused or lost is never passed over in silence: a toast tells it, or the reader is asked to sign in.
const OFFLINE = "You seem to be offline. Nothing was lost; try again.";
const SLOW = "This takes longer than it should. Nothing was lost; try again.";
const SENTENCES = {
  403: "You do not have the permission for this. Ask an administrator.",
  404: "This is no longer here. Reload the page to see the current state.",
  409: "This was not possible in the current state. Reload the page, then try again.",
  412: "Somebody else changed this in the meantime. Reload the page, then try again.",
  413: "This is larger than we can take.",
  429: "That was too often in a short time. Wait a moment, then try again.",
};
const OURS = "Something went wrong on our side. Nothing was lost; try again in a moment.";
const AWAY = "This part is not answering. Nothing was lost; try again in a moment.";

const tell = detail => document.dispatchEvent(new CustomEvent("liaison:toast", { detail }));
// data-quiet: it asks again by itself, soon, or at the next letter.
const isQuiet = ctx => ctx.sourceElement.closest?.("[data-quiet]") || ctx.sourceElement.hasAttribute?.("hx-sse:connect"); // stream.js tries again
const signIn = () => `/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`;

// The sentence that the answer itself gives: problem+json, or our error page.
function sentence({ response, text = "" }) {
  const type = response.headers.get("Content-Type") ?? "";
  if (type.includes("json")) { try { return JSON.parse(text).detail; } catch { return ""; } }
  return new DOMParser().parseFromString(text, "text/html").querySelector("[data-error]")?.textContent.trim();
}

function usual(status) {
  if (status >= 502 && status <= 504) return AWAY;
  return SENTENCES[status] ?? (status >= 500 ? OURS : "This was not possible. Reload the page, then try again.");
}

// A fragment that never came says so where it would stand, and can be asked for again: by GET, or by what posts for itself.
function inPlace(ctx) {
  const place = ctx.target ?? ctx.sourceElement;
  const { method, action } = ctx.request;
  if ((method !== "GET" && place !== ctx.sourceElement) || !place.querySelector?.("[aria-busy]")) return false;
  const note = document.createElement("div");
  note.className = "card-body text-secondary";
  note.textContent = "This part is not answering. ";
  const again = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-sm", textContent: "Try again" });
  again.addEventListener("click", () => {
    note.setAttribute("aria-busy", "true");
    htmx.ajax(method, action, { source: ctx.sourceElement, target: place });
  });
  note.append(again);
  place.replaceChildren(note);
  return true;
}

// What was typed is not thrown away by a session that ended: sign in beside it, then send again.
document.addEventListener("htmx:before:response", event => {
  const { ctx } = event.detail;
  if (ctx.response.status !== 401 || ctx.request.method === "GET") return;
  delete ctx.hx.redirect;
  tell({ text: "Your session has ended. Sign in again, then repeat this.", tone: "warning", link: { href: "/sign-in?next=/", text: "Sign in" } });
});

document.addEventListener("htmx:finally:request", event => {
  const { ctx } = event.detail;
  const status = ctx.response?.status;
  if (!status || status < 400) return;
  if (status === 401) {
    if (ctx.request.method === "GET" && !ctx.hx?.redirect) location.assign(signIn());
    return;
  }
  if (isQuiet(ctx)) return;
  const onThePage = ctx.status === "swapped" && ctx.swap !== "none";
  if (onThePage || ctx.hx?.redirect || ctx.hx?.trigger?.includes("liaison:toast") || inPlace(ctx)) return;
  tell({ text: sentence({ response: ctx.response, text: ctx.text }) || usual(status), tone: "danger" });
});

document.addEventListener("htmx:error", event => {
  const { ctx, error } = event.detail;
  if (!ctx || isQuiet(ctx) || inPlace(ctx)) return;
  const timedOut = ctx.request.signal?.reason === "timeout";
  if (timedOut || error instanceof TypeError) tell({ text: timedOut ? SLOW : OFFLINE, tone: "danger" });
});

document.addEventListener("htmx:sse:error", event => {
  if (event.detail.status === 401) location.assign(signIn());
});
