// Small conveniences on top of pages that work without any script.
import "./hx.js";
import { follow } from "./events.js";

document.addEventListener("DOMContentLoaded", () => {
  dress(document);
  follow();
});

/** Wires what a freshly arrived piece of page needs. */
export function dress(root) {
  root.querySelectorAll("[data-focus]").forEach((element) => element.focus());
  root.querySelectorAll("form").forEach(countPicked);
  root.querySelectorAll("[data-retype]").forEach(armRetype);
}

document.addEventListener("hufu:arrived", (event) => {
  dress(event.target);
  follow();
});

document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (event.key === "/" && !typing) focusOn(".hf-search input", event);
  if (event.key === "?" && !typing) openDetails("#hf-keys", event);
  if (event.key === "Enter" && event.ctrlKey) press("[data-key-run]", event);
  if (event.key.toLowerCase() === "s" && event.altKey) press("[data-key-save]", event);
  if (event.key === "Escape") closeDetails(document.body);
});

document.addEventListener("click", (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) copyText(copy);
  const close = event.target.closest("[data-close]");
  if (close) close.closest("details").open = false;
  if (event.target.closest("[data-print]")) window.print();
  if (event.target.closest("[data-back]") && history.length > 1) {
    event.preventDefault();
    history.back();
  }
  closeDetails(event.target);
});

document.addEventListener("change", (event) => {
  const box = event.target;
  if (box.matches("[data-pick-all]")) {
    box.form.querySelectorAll("[data-pick]").forEach((one) => (one.checked = box.checked));
  }
  if (box.form && box.matches("[data-pick-all], [data-pick]")) countPicked(box.form);
  if (box.matches("[data-submit]")) box.form.requestSubmit ? box.form.requestSubmit() : box.form.submit();
});

document.addEventListener("submit", (event) => {
  const button = event.submitter || event.target.querySelector("button.btn-primary");
  // The browser reads the pressed button's name after this handler: it is disabled one turn later.
  setTimeout(() => busy(event.target, button), 0);
});

function busy(form, button) {
  if (form.method !== "post" || !button || button.disabled) return;
  button.disabled = true;
  button.textContent = button.dataset.busy || "提交中…";
}

// A page that comes back from the browser's cache must not keep its buttons dead.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

function countPicked(form) {
  const bar = form.querySelector(".hf-bulk");
  if (!bar) return;
  const picked = form.querySelectorAll("[data-pick]:checked");
  bar.hidden = picked.length === 0;
  bar.querySelectorAll("[data-picked]").forEach((number) => (number.textContent = picked.length));
  form.querySelectorAll("[data-pick]").forEach((box) => {
    box.closest("tr").classList.toggle("is-on", box.checked);
  });
}

// The danger button stays dead until the number is typed; the server checks it again.
function armRetype(input) {
  const button = input.form.querySelector("[data-armed]");
  const check = () => (button.disabled = input.value.trim() !== input.dataset.retype);
  input.addEventListener("input", check);
  check();
}

function copyText(button) {
  const box = document.createElement("textarea");
  box.value = button.dataset.copy;
  document.body.appendChild(box);
  box.select();
  document.execCommand("copy");
  box.remove();
  button.title = "已复制";
  button.focus();
}

function closeDetails(within) {
  document.querySelectorAll("details.hf-drop[open]").forEach((details) => {
    if (!details.contains(within)) details.open = false;
  });
}

function openDetails(selector, event) {
  const details = document.querySelector(selector);
  if (!details) return;
  event.preventDefault();
  details.open = true;
}

function focusOn(selector, event) {
  const element = document.querySelector(selector);
  if (!element) return;
  event.preventDefault();
  element.focus();
}

function press(selector, event) {
  const button = document.querySelector(selector);
  if (!button || button.disabled) return;
  event.preventDefault();
  button.click();
}
