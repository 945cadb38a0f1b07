// One stream of events per page; the pieces that listen say so with data-topic, data-key and data-src.
import { refresh } from "./hx.js";

const RETRIES = 3;
const POLL_MS = 5000;
const CALM_MS = 500;

let source = null;
let topics = "";
let failures = 0;
let polling = null;

/** Opens the stream for what the page listens to now; without listeners there is none. */
export function follow() {
  const wanted = Array.from(listeners(), (element) => element.dataset.topic);
  const next = Array.from(new Set(wanted)).sort().join(",");
  if (next === topics) return;
  topics = next;
  if (source) source.close();
  source = null;
  failures = 0;
  if (topics !== "") open();
}

function open() {
  source = new EventSource(`/events?topics=${encodeURIComponent(topics)}`);
  source.onopen = () => {
    failures = 0;
    clearInterval(polling);
    polling = null;
  };
  // The server could not say everything that happened meanwhile: every piece is fetched anew.
  source.addEventListener("resync", () => listeners().forEach(renew));
  source.onmessage = (message) => {
    const event = JSON.parse(message.data);
    listeners().forEach((element) => {
      const ours = element.dataset.topic === event.topic;
      if (ours && (!element.dataset.key || element.dataset.key === event.key)) renew(element);
    });
  };
  source.onerror = () => {
    failures += 1;
    // A refused stream is closed at once; a broken one is tried again by the browser.
    if (failures < RETRIES && source.readyState !== EventSource.CLOSED) return;
    source.close();
    polling = polling || setInterval(poll, POLL_MS);
  };
}

// The server renders: a listener fetches its own piece anew, at most twice a second.
function renew(element) {
  if (element.dataset.due) return;
  element.dataset.due = "1";
  setTimeout(() => refresh(element, element.dataset.src), CALM_MS);
}

function poll() {
  const waiting = listeners();
  if (waiting.length === 0) {
    clearInterval(polling);
    polling = null;
  }
  waiting.forEach((element) => refresh(element, element.dataset.src));
}

function listeners() {
  return document.querySelectorAll("[data-topic][data-src]");
}
