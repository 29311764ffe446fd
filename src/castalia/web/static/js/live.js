// Changes as they happen: one event stream a page, rows and parts fetched again in bulk.
import { followed, showJob } from "./dialogs.js";
import { visit } from "./navigation.js";
import { part } from "./request.js";

const PAUSE_MS = 250;
const LIST_PAUSE_MS = 600;
const rows = new Set();
const nouns = new Set();
let waiting = null;
let listing = null;

async function refreshRows() {
  const ids = [...rows].filter((id) => document.getElementById(`row-${id}`));
  rows.clear();
  if (!ids.length) return;
  const answer = await part(`/vms/rows?ids=${ids.map(encodeURIComponent).join(",")}`);
  if (!answer.ok) return;
  const holder = document.createElement("template");
  holder.innerHTML = `<table><tbody>${answer.text}</tbody></table>`;
  const fresh = new Map([...holder.content.querySelectorAll("tr")].map((row) => [row.id, row]));
  for (const id of ids) {
    const old = document.getElementById(`row-${id}`);
    const row = fresh.get(`row-${id}`);
    if (!row) old.remove();
    else { row.setAttribute("aria-selected", old.getAttribute("aria-selected") ?? "false"); window.Idiomorph.morph(old, row.outerHTML); keepTick(id); }
  }
}

function keepTick(id) {
  const row = document.getElementById(`row-${id}`);
  const box = row?.querySelector("[data-pick]");
  if (box) box.checked = row.getAttribute("aria-selected") === "true";
}

// Rows that came or went: the list as its address has it now, without losing what is picked or open.
async function refreshList() {
  listing = null;
  const stale = () => [...document.querySelectorAll("[data-fresh]")];
  if (!stale().length) return;
  if (document.querySelector("#list [popover]:popover-open")) { listing = setTimeout(refreshList, LIST_PAUSE_MS); return; }
  const address = location.href;
  const answer = await part(address);
  if (!answer.ok || address !== location.href) return;
  const holder = document.createElement("template");
  holder.innerHTML = answer.text;
  const fresh = (element) => holder.content.getElementById(element.id);
  if (!stale().every(fresh)) { visit(address, { push: false, keepScroll: true }); return; }
  const picked = new Set([...document.querySelectorAll("[data-pick]:checked")].map((box) => box.value));
  for (const element of stale()) window.Idiomorph.morph(element, fresh(element).outerHTML);
  window.htmx.process(document.getElementById("page"));
  for (const box of document.querySelectorAll("[data-pick]")) box.checked = picked.has(box.value);
  document.dispatchEvent(new CustomEvent("castalia:rows"));
}

// An element with data-live="job host" fetches data-from again when such an object changes; with data-of only for that one.
async function refreshParts() {
  const hot = [...nouns];
  nouns.clear();
  for (const element of document.querySelectorAll("[data-live][data-from]")) {
    const wanted = element.dataset.live.split(" ");
    const of = element.dataset.of;
    if (!hot.some(({ noun, id }) => wanted.includes(noun) && (!of || of === id))) continue;
    const answer = await part(element.dataset.from);
    if (answer.ok && element.isConnected) window.Idiomorph.morph(element, answer.text, { morphStyle: "innerHTML" });
  }
}

async function refreshCounts() {
  const answer = await fetch("/counts");
  if (!answer.ok) return;
  const counts = await answer.json();
  for (const place of document.querySelectorAll("[data-count]")) place.textContent = counts[place.dataset.count] || "";
}

function flush() {
  waiting = null;
  const counted = [...nouns].some(({ verb, noun }) => verb !== "updated" || noun === "job");
  const moved = [...nouns].some(({ verb, noun }) => noun === "vm" && verb !== "updated");
  refreshRows();
  refreshParts();
  if (moved) listing ??= setTimeout(refreshList, LIST_PAUSE_MS);
  if (counted) refreshCounts();
}

function take(event) {
  const change = JSON.parse(event.data);
  if (change.noun === "vm") rows.add(change.id);
  if (change.noun === "metrics") document.dispatchEvent(new CustomEvent("castalia:metrics", { detail: change }));
  if (change.noun === "job" && followed(change.id)) showJob(change.id);
  nouns.add(change);
  waiting ??= setTimeout(flush, PAUSE_MS);
}

export function startLive() {
  const source = new EventSource("/api/v1/events");
  const offline = document.getElementById("offline");
  for (const noun of ["vm", "host", "job", "template", "repository", "network", "event", "metrics"]) {
    source.addEventListener(noun, take);
  }
  source.addEventListener("open", () => { offline.hidden = true; });
  source.addEventListener("error", () => { offline.hidden = false; });
  source.addEventListener("resync", () => {
    for (const row of document.querySelectorAll("tr[id^='row-']")) rows.add(row.id.slice(4));
    for (const noun of ["vm", "host", "job"]) nouns.add({ noun, id: "", verb: "created" });
    waiting ??= setTimeout(flush, PAUSE_MS);
  });
  document.addEventListener("castalia:stale", refreshList);
  window.addEventListener("pagehide", () => source.close());
}
