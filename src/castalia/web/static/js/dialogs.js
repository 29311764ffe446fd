// Action dialogs with their plan, the toasts that follow jobs, and short notes.
import { csrf, part } from "./request.js";
import { visit } from "./navigation.js";

const dialog = () => document.getElementById("dialog");
const toasts = () => document.getElementById("toasts");

export async function openDialog(address) {
  const answer = await part(address);
  document.getElementById("dialog-body").innerHTML = answer.text;
  window.htmx.process(document.getElementById("dialog-body"));
  if (!dialog().open) dialog().showModal();
  document.dispatchEvent(new CustomEvent("castalia:dialog"));
}

export function note(text, tone = "good", link = "") {
  const box = document.createElement("div");
  box.className = `toast-note tone-${tone}`;
  const body = document.createElement("div");
  body.textContent = text;
  body.style.color = "var(--ink)";
  if (link) body.append(" ", Object.assign(document.createElement("a"), { href: link, textContent: "Show" }));
  box.append(body);
  toasts().append(box);
  fade(box, tone === "bad" ? 15000 : 6000);
}

// One question at a time for each job: an answer that comes late must not paint over a later one, and a change that
// comes before the first answer must not be lost.
const asking = new Map();

export async function showJob(id) {
  if (asking.has(id)) { asking.set(id, true); return; }
  do {
    asking.set(id, false);
    await paintJob(id);
  } while (asking.get(id));
  asking.delete(id);
}

async function paintJob(id) {
  const answer = await part(`/jobs/${id}/toast`);
  if (!answer.ok) return;
  let box = document.getElementById(`toast-${id}`);
  if (!box) {
    box = Object.assign(document.createElement("div"), { id: `toast-${id}` });
    toasts().append(box);
  }
  box.innerHTML = answer.text;
  const state = box.firstElementChild?.dataset.state;
  if (["succeeded", "failed", "cancelled"].includes(state)) fade(box, state === "succeeded" ? 8000 : 20000);
}

// A toast goes by itself, but not from under the pointer or the keyboard.
function fade(box, after) {
  setTimeout(() => { if (box.matches(":hover, :focus-within")) fade(box, 2000); else box.remove(); }, after);
}

export const followed = (id) => asking.has(id) || document.getElementById(`toast-${id}`) !== null;

export function startDialogs() {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener) { event.preventDefault(); document.getElementById("palette")?.close(); openDialog(opener.dataset.dialog); }
    const closer = event.target.closest("[data-close]");
    if (closer) { dialog().close(); if ("reload" in closer.dataset) visit(location.href, { push: false, keepScroll: true }); }
    if (event.target === dialog()) dialog().close();
  });
  document.addEventListener("input", (event) => {
    const word = event.target.dataset?.mustBe;
    if (word !== undefined) event.target.form.querySelector(".dialog-go").disabled = event.target.value !== word;
  });
  document.body.addEventListener("htmx:configRequest", (event) => { event.detail.headers["X-CSRF-Token"] = csrf(); });
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    // A refusal comes with its status and belongs into the dialog all the same.
    if (event.detail.target?.id === "dialog-body" || event.detail.target?.id === "outlook") {
      event.detail.shouldSwap = event.detail.xhr.status !== 204;
      event.detail.isError = false;
    }
  });
  document.body.addEventListener("castalia:job", (event) => { dialog().close(); showJob(event.detail.id); });
  document.body.addEventListener("castalia:done", (event) => {
    dialog().close();
    note(event.detail.text);
    visit(location.href, { push: false, keepScroll: true });
  });
}
