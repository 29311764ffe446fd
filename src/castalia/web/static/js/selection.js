// Picking rows, with Shift for ranges, and the bar that acts on all of them.
import { send } from "./request.js";
import { note } from "./dialogs.js";

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

async function act(button) {
  const refs = picked().map((box) => box.value);
  try {
    const answer = await send("POST", "/api/v1/vms/actions", { action: button.dataset.bulk, refs });
    for (const refusal of answer.errors) note(refusal.detail ?? refusal.message, "bad");
    if (answer.jobs.length) note(`${answer.jobs.length} jobs were enqueued.`, "good", "/jobs");
  } catch (error) {
    note(error.message, "bad");
  }
  boxes().forEach((box) => { box.checked = false; });
  show();
}

export function startSelection() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-bulk]");
    if (button) act(button);
    else if (event.target.closest("[data-pick-none]")) { boxes().forEach((box) => { box.checked = false; }); show(); }
    else pick(event);
  });
}
