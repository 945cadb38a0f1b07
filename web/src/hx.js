// The only file that knows htmx by name: its events and headers may change with its next major version.
import htmx from "htmx.org";

Object.assign(htmx.config, {
  allowEval: false,
  includeIndicatorStyles: false,
  selfRequestsOnly: true,
  historyCacheSize: 0,
  refreshOnHistoryMiss: true,
  scrollBehavior: "auto",
});

const meta = (name) => {
  const tag = document.querySelector(`meta[name="${name}"]`);
  return tag ? tag.content : "";
};

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRF-Token"] = meta("csrf-token");
});

// A form that comes back with 422 shows its own errors: it is swapped in like an answer.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status === 422) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});

document.addEventListener("htmx:afterSwap", (event) => {
  event.detail.target.dispatchEvent(new CustomEvent("hufu:arrived", { bubbles: true }));
});

document.addEventListener("htmx:responseError", (event) => {
  const xhr = event.detail.xhr;
  let problem = {};
  try {
    problem = JSON.parse(xhr.responseText);
  } catch (_) {
    problem = { message: "服务器没有给出可读的答复" };
  }
  tell(problem.message || "操作没有完成", problem.request_id || xhr.getResponseHeader("X-Request-Id"));
});

document.addEventListener("htmx:sendError", () => tell("与服务器的连接中断，请检查网络后重试", ""));

function tell(message, requestId) {
  const box = document.getElementById("hf-alert");
  if (!box) return;
  box.hidden = false;
  box.querySelector("[data-message]").textContent = message;
  box.querySelector("[data-id]").textContent = requestId ? `事件编号 ${requestId}` : "";
}

/** Replaces an element by what a URL of ours answers. */
export function refresh(element, url) {
  return htmx.ajax("GET", url, { target: element, swap: "outerHTML" });
}
