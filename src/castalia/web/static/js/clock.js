// Relative times go on counting while a page stays open.
const PAUSE_MS = 10000;
const UNITS = [[31536000, "y"], [86400, "d"], [3600, "h"], [60, "min"]];

function largest(seconds) {
  for (const [size, unit] of UNITS) if (seconds >= size) return `${Math.round(seconds / size)} ${unit}`;
  return `${Math.round(seconds)} s`;
}

function words(element, now) {
  const seconds = (now - Date.parse(element.dateTime)) / 1000;
  if (Number.isNaN(seconds)) return element.textContent;
  if ("age" in element.dataset) return largest(Math.abs(seconds));
  if (Math.abs(seconds) < 5) return "now";
  return seconds > 0 ? `${largest(seconds)} ago` : `in ${largest(-seconds)}`;
}

function tick() {
  if (document.hidden) return;
  const now = Date.now();
  for (const element of document.querySelectorAll("time[datetime]")) {
    const text = words(element, now);
    if (element.textContent !== text) element.textContent = text;
  }
}

export function startClock() {
  setInterval(tick, PAUSE_MS);
  document.addEventListener("visibilitychange", tick);
}
