// The VM's serial line by xterm.js.
import { consoleAddress, keepOpen } from "./ticket.js";

export function start(element) {
  const vm = element.dataset.serial;
  const note = document.getElementById("console-note");
  const encoder = new TextEncoder();
  let socket = null;
  let terminal = null;
  let fit = null;
  const say = (text) => { note.textContent = text; };
  const resize = () => fit?.fit();

  const stop = keepOpen(async ({ connected, ended }) => {
    if (!terminal) {
      const [{ Terminal }, { FitAddon }] = await Promise.all([import(element.dataset.module), import(element.dataset.fit)]);
      terminal = new Terminal({ cursorBlink: true, fontSize: 14, fontFamily: "DejaVu Sans Mono, monospace", screenReaderMode: true });
      fit = new FitAddon();
      terminal.loadAddon(fit);
      terminal.open(element);
      terminal.onData((text) => { if (socket?.readyState === WebSocket.OPEN) socket.send(encoder.encode(text)); });
      resize();
    }
    socket = new WebSocket(await consoleAddress(vm, "serial"));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => { connected(); terminal.focus(); say("Press Enter for a prompt."); };
    socket.onmessage = (event) => terminal.write(typeof event.data === "string" ? event.data : new Uint8Array(event.data));
    socket.onclose = (event) => ended(event.reason);
  }, say);

  const click = (event) => {
    if (event.target.closest('[data-console="full"]')) element.requestFullscreen().then(resize);
  };
  document.addEventListener("click", click);
  window.addEventListener("resize", resize);
  return () => {
    stop();
    socket?.close();
    terminal?.dispose();
    document.removeEventListener("click", click);
    window.removeEventListener("resize", resize);
  };
}
