// Picking rows, with Shift for ranges, and the bar that acts on all of them.
import { note, openDialog, showJob } from "./dialogs.js";

const FEW = 3;

let last = null;
const boxes = () => [...document.querySelectorAll("[data-pick]")];
const picked = () => boxes().filter((box) => box.checked);

function show() {
  const bar = document.getElementById("bulk");
  if (!bar) return;
  const count = picked().length;
  bar.hidden = count === 0;
  bar.querySelector("[data-picked]").textContent = count === 1 ? "1 VM" : `${count} VMs`;
  for (const box of boxes()) box.closest("tr").setAttribute("aria-selected", String(box.checked));
}

function pick(event) {
  const box = event.target.closest("[data-pick]");
  if (event.target.matches("[data-pick-all]")) boxes().forEach((one) => { one.checked = event.target.checked; });
  else if (box) {
    const all = boxes();
    if (event.shiftKey && last && all.includes(last)) {
      const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
      all.slice(from, to + 1).forEach((one) => { one.checked = box.checked; });
    }
    last = box;
  } else return;
  show();
}

function clear() {
  boxes().forEach((box) => { box.checked = false; });
  show();
}

function told({ jobs, refusals }) {
  document.getElementById("dialog").close();
  refusals.forEach((refusal) => note(refusal, "bad"));
  if (jobs.length > FEW) note(`${jobs.length} jobs were enqueued.`, "good", "/jobs");
  else jobs.forEach((id) => showJob(id));
  clear();
}

export function startSelection() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-bulk]");
    if (button) openDialog(`/bulk/${button.dataset.bulk}?refs=${picked().map((box) => box.value).join(",")}`);
    else if (event.target.closest("[data-pick-none]")) clear();
    else pick(event);
  });
  document.body.addEventListener("castalia:jobs", (event) => told(event.detail));
  document.addEventListener("castalia:rows", show);
}
