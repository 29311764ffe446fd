// The create form: asks for a new plan whenever something changes, and makes the VMs.
import { showJob } from "./dialogs.js";
import { csrf } from "./request.js";
import { visit } from "./navigation.js";

const PAUSE_MS = 300;

export function start(form) {
  const side = document.getElementById("outlook");
  let asked = 0;
  let waiting = null;

  async function post(address) {
    return fetch(address, {
      method: "POST",
      headers: { "HX-Request": "true", "X-CSRF-Token": csrf() },
      body: new URLSearchParams(new FormData(form)),
    });
  }

  async function look() {
    const mine = ++asked;
    const answer = await post("/vms/new/plan");
    const text = await answer.text();
    if (mine === asked) side.innerHTML = text;
    form.querySelector("[type=submit]").disabled = side.querySelector("[data-possible]") === null;
  }

  // A template brings its size until somebody picks one.
  let sized = false;
  function takeSize() {
    const wanted = form.querySelector('[name="template"]:checked')?.dataset.size;
    const box = wanted && form.querySelector(`[name="size"][value="${CSS.escape(wanted)}"]`);
    if (box && !sized) box.checked = true;
  }

  const changed = (event) => {
    if (event.target.name === "size") sized = true;
    if (event.target.name === "template") takeSize();
    plan();
  };
  const plan = () => { clearTimeout(waiting); waiting = setTimeout(look, PAUSE_MS); };
  form.addEventListener("input", changed);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = await post("/vms/new");
    if (answer.status === 201) {
      const job = (await answer.json()).id;
      await visit("/vms");
      showJob(job);
    } else side.innerHTML = await answer.text();
  });
  takeSize();
  look();
  return () => clearTimeout(waiting);
}
