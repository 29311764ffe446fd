// Starts the module of each part of a page that needs one, and ends it when the page is left.
const kinds = {
  screen: () => import("./screen.js"),
  serial: () => import("./serial.js"),
  charts: () => import("./charts.js"),
  wizard: () => import("./wizard.js"),
  upload: () => import("./upload.js"),
};
let ends = [];

async function start(root) {
  for (const [kind, load] of Object.entries(kinds)) {
    for (const element of root.querySelectorAll(`[data-${kind}]`)) {
      if (element.dataset.started) continue;
      element.dataset.started = "yes";
      const module = await load();
      const end = module.start(element);
      if (end) ends.push(end);
    }
  }
}

export function startParts() {
  start(document);
  document.addEventListener("castalia:leave", () => { ends.forEach((end) => end()); ends = []; });
  document.addEventListener("castalia:page", () => start(document.getElementById("page")));
  document.addEventListener("castalia:dialog", () => start(document.getElementById("dialog")));
}
