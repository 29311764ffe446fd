// Changes as they happen: one event stream a page, rows and parts fetched again in bulk.
import { followed, note, showJob } from "./dialogs.js";
import { visit } from "./navigation.js";
import { part } from "./request.js";

const PAUSE_MS = 250;
const LIST_PAUSE_MS = 600;
const PAGE_PAUSE_MS = 1000;
const TOTALS_PAUSE_MS = 1500;
const LISTS = { vm: "/vms", host: "/hosts", template: "/templates", repository: "/storage", network: "/networks" };
const EVERYTHING = {};
const rows = new Set();
const nouns = new Set();
let waiting = null;
let listing = null;
let totalling = null;
let paging = null;

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
  await refreshFresh("[data-fresh]");
}

// How many there are in each state; the rows stay where they are, under the pointer.
async function refreshTotals() {
  totalling = null;
  await refreshFresh("[data-fresh=total]");
}

async function refreshFresh(selector) {
  const stale = () => [...document.querySelectorAll(selector)];
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

// Whether a change is about one of these objects, or by a job or an event that says so.
const concerns = ({ id, data }, objects) =>
  objects.includes(id) || objects.some((one) => (data?.target ?? data?.subject ?? "").endsWith(`:${one}`));

// Keeps what the user is doing: an open fold, a started part, what is being typed.
const KEPT = new Set(["open", "data-started"]);
const GENTLY = { morphStyle: "innerHTML", ignoreActiveValue: true, callbacks: { beforeAttributeUpdated: (name) => !KEPT.has(name) } };

// A page that says data-page="host" as it is now, when such an object changed.
async function refreshPage() {
  paging = null;
  if (document.querySelector("#page [popover]:popover-open")) { paging = setTimeout(refreshPage, PAGE_PAUSE_MS); return; }
  const address = location.href;
  const answer = await part(address);
  if (!answer.ok || address !== location.href) return;
  const holder = document.createElement("template");
  holder.innerHTML = answer.text;
  holder.content.querySelector("title")?.remove();
  window.Idiomorph.morph(document.getElementById("page"), [...holder.content.childNodes], GENTLY);
  window.htmx.process(document.getElementById("page"));
  document.dispatchEvent(new CustomEvent("castalia:page"));
}

function pageMeans(change) {
  const nouns = document.querySelector("[data-page]")?.dataset.page.split(" ");
  return nouns !== undefined && (change === EVERYTHING || nouns.includes(change.noun));
}

// An element with data-live="job host" fetches data-from again when such an object changes; with data-of only for
// those; with data-select it takes that part out of what it gets.
async function refreshParts() {
  const hot = [...nouns];
  nouns.clear();
  for (const element of document.querySelectorAll("[data-live][data-from]")) {
    const wanted = element.dataset.live.split(" ");
    const of = element.dataset.of?.split(" ");
    const meant = (change) => change === EVERYTHING || (wanted.includes(change.noun) && (!of || concerns(change, of)));
    if (!hot.some(meant)) continue;
    if (element.querySelector("[popover]:popover-open") || element.matches("[popover]:not(:popover-open)")) continue;
    const answer = await part(element.dataset.from);
    if (answer.ok && element.isConnected) renew(element, answer.text);
  }
}

function renew(element, text) {
  const select = element.dataset.select;
  if (!select) { window.Idiomorph.morph(element, text, { morphStyle: "innerHTML" }); return; }
  const holder = document.createElement("template");
  holder.innerHTML = text;
  const fresh = holder.content.querySelector(select);
  if (!fresh) return;
  window.Idiomorph.morph(element, fresh.outerHTML);
  window.htmx.process(document.querySelector(select));
  document.dispatchEvent(new CustomEvent("castalia:page"));
}

// The next picture of a screen takes the place of the last one only when it is there.
function renewPictures(host) {
  for (const picture of document.querySelectorAll(`img[data-renew="${CSS.escape(host)}"]`)) {
    const next = new Image();
    next.onload = () => { picture.src = next.src; };
    next.src = `${picture.src.split("?")[0]}?at=${Date.now()}`;
  }
}

// The page of something that is gone leads to its list.
function leave({ noun, id, data }) {
  const list = LISTS[noun];
  if (!list || !location.pathname.startsWith(`${list}/${id}`)) return;
  note(`${data?.name ?? "It"} was deleted.`);
  visit(list);
}

async function refreshCounts() {
  const answer = await fetch("/counts");
  if (!answer.ok) return;
  const counts = await answer.json();
  for (const place of document.querySelectorAll("[data-count]")) {
    const count = counts[place.dataset.count];
    place.textContent = count ? count.toLocaleString("en") : "";
  }
}

function flush() {
  waiting = null;
  const changed = [...nouns];
  const counted = changed.some(({ verb, noun }) => verb !== "updated" || noun === "job");
  const moved = changed.some((change) => change === EVERYTHING || (change.noun === "vm" && change.verb !== "updated"));
  refreshRows();
  refreshParts();
  if (moved) listing ??= setTimeout(refreshList, LIST_PAUSE_MS);
  else if (changed.some(({ noun }) => noun === "vm")) totalling ??= setTimeout(refreshTotals, TOTALS_PAUSE_MS);
  if (changed.some(pageMeans)) paging ??= setTimeout(refreshPage, PAGE_PAUSE_MS);
  if (counted) refreshCounts();
}

function take(event) {
  const change = JSON.parse(event.data);
  if (change.noun === "vm") rows.add(change.id);
  if (change.noun === "metrics") {
    document.dispatchEvent(new CustomEvent("castalia:metrics", { detail: change }));
    renewPictures(change.id);
  }
  if (change.verb === "deleted") leave(change);
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
  const resync = () => {
    nouns.add(EVERYTHING);
    for (const toast of document.querySelectorAll("[id^='toast-']")) showJob(toast.id.slice("toast-".length));
    waiting ??= setTimeout(flush, PAUSE_MS);
  };
  source.addEventListener("resync", resync);
  source.addEventListener("hello", (event) => {
    // Whatever changed between the making of the page and the opening of the stream was not told.
    if (event.lastEventId !== document.body.dataset.seen) resync();
  });
  document.addEventListener("castalia:stale", refreshList);
  window.addEventListener("pagehide", () => source.close());
}
