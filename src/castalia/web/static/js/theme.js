// Runs before anything is painted, so that a dark page never flashes light.
(() => {
  const saved = localStorage.getItem("castalia-theme");
  const dark = saved ? saved === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.bsTheme = dark ? "dark" : "light";
})();
