// Ctrl-K: objects by search, actions and pages by name.
import { part } from "./request.js";

const palette = () => document.getElementById("palette");
const input = () => document.getElementById("palette-text");
const hits = () => [...document.querySelectorAll("#palette-hits .palette-hit")];
let asked = 0;

async function look() {
  const mine = ++asked;
  const answer = await part(`/palette?text=${encodeURIComponent(input().value)}`);
  if (mine !== asked || !answer.ok) return;
  document.getElementById("palette-hits").innerHTML = answer.text;
  choose(0);
}

function choose(index) {
  const all = hits();
  all.forEach((hit, n) => hit.setAttribute("aria-selected", String(n === index)));
  all[index]?.scrollIntoView({ block: "nearest" });
}

function open() {
  palette().showModal();
  input().select();
  look();
}

function key(event) {
  const all = hits();
  const now = all.findIndex((hit) => hit.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown") choose(Math.min(now + 1, all.length - 1));
  else if (event.key === "ArrowUp") choose(Math.max(now - 1, 0));
  else if (event.key === "Enter" && all[now]) all[now].click();
  else if (event.key === "Escape") palette().close();
  else return;
  event.preventDefault();
}

export function startPalette() {
  let waiting;
  input().addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(look, 120); });
  palette().addEventListener("keydown", key);
  palette().addEventListener("click", (event) => {
    if (event.target === palette() || event.target.closest(".palette-hit")) palette().close();
  });
  document.addEventListener("click", (event) => { if (event.target.closest("[data-palette]")) open(); });
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); open(); }
  });
}
