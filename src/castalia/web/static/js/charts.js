// Measurements over time by uPlot; all charts share one cursor, and a gap stays a gap.
import { part } from "./request.js";

const KEY = "castalia";
const bytes = (value) => {
  let amount = value;
  for (const unit of ["B", "KiB", "MiB", "GiB"]) {
    if (Math.abs(amount) < 1024 || unit === "GiB") return `${amount < 10 && unit !== "B" ? amount.toFixed(1) : Math.round(amount)} ${unit}`;
    amount /= 1024;
  }
  return "";
};
// Steps of an axis in binary units: 1, 2, 5, 10 … and 256, 512 of each unit.
const BINARY = ["B", "KiB", "MiB", "GiB", "TiB"].flatMap((_, power) => [1, 2, 4, 8, 16, 32, 64, 128, 256, 512].map((n) => n * 1024 ** power));
const MEBI = BINARY.map((n) => n / 1048576);
const KINDS = [
  { title: "CPU", fields: [["cpu_fraction", "Use"]], show: (v) => `${(v * 100).toFixed(0)}%`, top: 1, steps: [0.25] },
  { title: "Memory", fields: [["memory_used_mib", "In use"], ["memory_mib", "Given"]], show: (v) => bytes(v * 1048576), steps: MEBI },
  { title: "Disk", fields: [["disk_read_bps", "Read"], ["disk_write_bps", "Written"]], show: (v) => `${bytes(v)}/s`, steps: BINARY },
  { title: "Network", fields: [["net_rx_bps", "Received"], ["net_tx_bps", "Sent"]], show: (v) => `${bytes(v)}/s`, steps: BINARY },
];
const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// 24-hour clock within a day, the day beyond it.
const clock = (at, span) => {
  const moment = new Date(at * 1000);
  const time = { hour: "2-digit", minute: "2-digit", hour12: false };
  const day = { day: "numeric", month: "short" };
  return span > 90000 ? moment.toLocaleDateString([], day) : moment.toLocaleTimeString([], time);
};

function options(kind, width, range) {
  const axis = { stroke: token("--dim"), grid: { stroke: token("--line-soft"), width: 1 }, ticks: { show: false }, font: "12px sans-serif" };
  const show = (_, value) => (value == null ? "–" : kind.show(value));
  return {
    width,
    height: 190,
    cursor: { sync: { key: KEY }, points: { size: 6 } },
    scales: { x: { time: true, range: () => range }, y: { range: (_, low, high) => [0, kind.top ?? Math.max(high * 1.1, 1)] } },
    axes: [{ ...axis, size: 34, values: (_, splits) => splits.map((at) => clock(at, range[1] - range[0])) }, { ...axis, size: 72, incrs: kind.steps, values: (_, splits) => splits.map(kind.show) }],
    series: [{ value: (_, at) => (at == null ? "–" : new Date(at * 1000).toLocaleString([], { hour12: false })) }, ...kind.fields.map(([, label], n) => ({
      label, value: show, spanGaps: false, width: 1.6, stroke: token(n ? "--rest" : "--accent"),
      fill: n ? undefined : `${token("--accent")}22`, points: { show: false },
    }))],
  };
}

export function start(element) {
  let plots = [];
  let range = "1h";
  let gone = false;

  async function draw() {
    const [{ default: UPlot }, answer] = await Promise.all([import(element.dataset.module), part(`${element.dataset.charts}?range=${range}`)]);
    if (gone || !answer.ok) return;
    const data = JSON.parse(answer.text);
    plots.forEach((plot) => plot.destroy());
    element.replaceChildren();
    plots = KINDS.filter((kind) => kind.fields.some(([name]) => data[name].some((v) => v != null && v !== 0)) || kind.title === "CPU").map((kind) => {
      const box = Object.assign(document.createElement("section"), { className: "panel chart" });
      const body = Object.assign(document.createElement("div"), { className: "panel-body" });
      body.append(Object.assign(document.createElement("h2"), { textContent: kind.title }));
      box.append(body);
      element.append(box);
      const columns = [data.at, ...kind.fields.map(([name]) => data[name])];
      return new UPlot(options(kind, body.clientWidth - 32, [data.since, data.until]), columns, body);
    });
  }

  const pick = (event) => {
    const button = event.target.closest("[data-range]");
    if (!button) return;
    range = button.dataset.range;
    for (const one of document.querySelectorAll("[data-range]")) one.toggleAttribute("aria-current", one === button);
    draw();
  };
  const renew = () => { if (range === "1h") draw(); };
  let resizing;
  const resized = () => { clearTimeout(resizing); resizing = setTimeout(draw, 200); };
  document.addEventListener("click", pick);
  document.addEventListener("castalia:metrics", renew);
  document.addEventListener("castalia:theme", draw);
  window.addEventListener("resize", resized);
  draw();
  return () => {
    gone = true;
    plots.forEach((plot) => plot.destroy());
    document.removeEventListener("click", pick);
    document.removeEventListener("castalia:metrics", renew);
    document.removeEventListener("castalia:theme", draw);
    window.removeEventListener("resize", resized);
  };
}
