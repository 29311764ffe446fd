// The frame's small tools: theme, folding, copying, menus under their buttons, keyboard.
import { visit } from "./navigation.js";
import { part } from "./request.js";

const GO = { o: "/", v: "/vms", h: "/hosts", j: "/jobs" };
let before = "";

function toggleTheme() {
  const root = document.documentElement;
  const next = root.dataset.bsTheme === "dark" ? "light" : "dark";
  root.dataset.bsTheme = next;
  localStorage.setItem("castalia-theme", next);
  document.cookie = `castalia_theme=${next}; path=/; max-age=31536000; samesite=lax`;
  document.dispatchEvent(new CustomEvent("castalia:theme"));
}

async function copy(button) {
  await navigator.clipboard?.writeText(button.dataset.copy);
  const before = button.title;
  button.title = "Copied";
  button.classList.add("tone-good");
  setTimeout(() => { button.title = before; button.classList.remove("tone-good"); }, 1200);
}

async function place(event) {
  const menu = event.target;
  if (!menu.matches?.(".menu[popover]") || event.newState !== "open") return;
  const button = document.querySelector(`[popovertarget="${menu.id}"]`);
  if (button) {
    const box = button.getBoundingClientRect();
    const left = Math.min(box.left, innerWidth - menu.offsetWidth - 8);
    menu.style.left = `${Math.max(8, left) + scrollX}px`;
    const below = box.bottom + menu.offsetHeight + 8 < innerHeight || box.top < menu.offsetHeight;
    menu.style.top = `${(below ? box.bottom : box.top - menu.offsetHeight - 8) + scrollY}px`;
  }
  if (menu.dataset.lazy) {
    const answer = await part(menu.dataset.lazy);
    if (answer.ok) menu.innerHTML = answer.text;
  }
}

function click(event) {
  const on = (name) => event.target.closest(`[${name}]`);
  if (on("data-theme")) toggleTheme();
  else if (on("data-keys")) document.getElementById("keys").showModal();
  else if (on("data-fold")) localStorage.setItem("castalia-folded", document.body.classList.toggle("folded"));
  else if (on("data-drawer")) document.body.classList.toggle("drawer");
  else if (on("data-dismiss")) on("data-dismiss").closest("[id^='toast-']").remove();
  else if (on("data-copy")) copy(on("data-copy"));
  else if (on("data-fill")) {
    const button = on("data-fill");
    const field = document.getElementById(button.dataset.fill);
    field.value = button.dataset.value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  } else if (on("data-jump")) location.assign(on("data-jump").dataset.jump);
  const item = event.target.closest(".menu-item");
  if (item && !item.matches("label")) item.closest("[popover]")?.hidePopover();
}

function columns() {
  const chosen = [...document.querySelectorAll("[data-column]:checked")].map((box) => box.dataset.column);
  document.cookie = `castalia_vm_columns=${chosen.join(".")}; path=/; max-age=31536000; samesite=lax`;
  document.dispatchEvent(new CustomEvent("castalia:stale"));
}

function key(event) {
  if (event.target.matches("input, textarea, select, [contenteditable]") || event.ctrlKey || event.metaKey) return;
  if (document.querySelector("dialog[open]") || document.querySelector(".console:focus-within")) return;
  if (event.altKey) return;
  if (event.key === "?") document.getElementById("keys").showModal();
  else if (event.key === "t") toggleTheme();
  else if (event.key === "c") visit("/vms/new");
  else if (before === "g" && GO[event.key]) visit(GO[event.key]);
  else if (event.key === "/") {
    const filter = document.querySelector("[data-filter]");
    if (filter) { event.preventDefault(); filter.focus(); filter.select(); }
  }
  before = event.key;
}

export function startTools() {
  if (localStorage.getItem("castalia-folded") === "true") document.body.classList.add("folded");
  document.addEventListener("click", click);
  document.addEventListener("change", (event) => { if (event.target.dataset?.column) columns(); });
  document.addEventListener("toggle", place, true);
  document.addEventListener("keydown", key);
}
