// A live stream (hx-sse:connect) that could not be opened is tried again; htmx itself only mends one that was open.
const FIRST = 1000, LONGEST = 30_000;
const waits = new WeakMap();

const address = element => element.getAttribute?.("hx-sse:connect");

function again(element) {
  const wait = Math.min((waits.get(element) ?? FIRST / 2) * 2, LONGEST);
  waits.set(element, wait);
  setTimeout(() => { if (element.isConnected && !element._htmx?.sse) htmx.ajax("GET", address(element), { source: element }); }, wait);
}

document.addEventListener("htmx:error", event => {
  const element = event.detail.ctx?.sourceElement;
  if (element && address(element)) again(element);
});
document.addEventListener("htmx:response:error", event => {
  const { sourceElement, response } = event.detail.ctx;
  if (address(sourceElement) && response.status >= 500) again(sourceElement);
});
document.addEventListener("htmx:sse:after:connection", event => waits.delete(event.target));
