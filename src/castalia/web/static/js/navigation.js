// Links inside the frame fetch only the page's part; the frame, its live stream and the tray stay.
const inside = (link) =>
  link.origin === location.origin && !link.hasAttribute("download") && !link.target && !("full" in link.dataset) &&
  !link.pathname.startsWith("/api/") && !link.pathname.startsWith("/static/") && link.getAttribute("href") !== "#";

export async function visit(address, { push = true, keepScroll = false } = {}) {
  const answer = await fetch(address, { headers: { "HX-Request": "true" } });
  const moved = answer.headers.get("HX-Redirect");
  if (moved || answer.status === 401) return location.assign(moved ?? "/login");
  const page = document.getElementById("page");
  const holder = document.createElement("template");
  holder.innerHTML = await answer.text();
  const title = holder.content.querySelector("title");
  if (title) { document.title = title.textContent; title.remove(); }
  document.dispatchEvent(new CustomEvent("castalia:leave"));
  page.replaceChildren(holder.content);
  window.htmx?.process(page);
  if (push) history.pushState({}, "", address);
  if (!keepScroll) { window.scrollTo(0, 0); page.focus({ preventScroll: true }); }
  mark();
  document.dispatchEvent(new CustomEvent("castalia:page"));
}

function mark() {
  for (const link of document.querySelectorAll("a[data-nav]")) {
    const own = link.pathname;
    const here = own === "/" ? location.pathname === "/" : location.pathname === own || location.pathname.startsWith(own + "/");
    if (here) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
  }
  document.body.classList.remove("drawer");
}

// A filter that cannot be understood leaves the list as it is and says why.
function minded(event) {
  if (event.detail.target?.id !== "list") return;
  const note = document.querySelector(".filter-note");
  const failed = event.detail.xhr.status >= 400;
  if (failed) {
    const answer = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
    note.textContent = answer.querySelector("[data-problem]")?.textContent ?? "The list cannot be had now.";
    event.detail.shouldSwap = false;
  }
  note.hidden = !failed;
}

export function startNavigation() {
  document.body.addEventListener("htmx:beforeSwap", minded);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (!inside(link) || link.hasAttribute("data-dialog")) return;
    event.preventDefault();
    if (link.hasAttribute("data-back") && history.length > 1) return history.back();
    visit(link.href);
  });
  window.addEventListener("popstate", () => visit(location.href, { push: false }));
  // htmx would put the part of the page that it gets in place of the whole body, frame and all.
  document.body.addEventListener("htmx:historyCacheMiss", (event) => event.preventDefault());
  document.addEventListener("htmx:pushedIntoHistory", mark);
}
