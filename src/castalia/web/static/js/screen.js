// The VM's screen by noVNC, in place and full screen.
import { consoleAddress, keepOpen } from "./ticket.js";

const SHIFTED = '~!@#$%^&*()_+{}|:"<>?ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const KEY_PAUSE_MS = 12;

export function start(element) {
  const vm = element.dataset.screen;
  const note = document.getElementById("console-note");
  let rfb = null;
  const stop = keepOpen(async ({ connected, ended }) => {
    const [{ default: RFB }, address] = await Promise.all([import(element.dataset.module), consoleAddress(vm, "vnc")]);
    rfb = new RFB(element, address);
    rfb.scaleViewport = true;
    rfb.background = "#000";
    rfb.addEventListener("connect", () => { connected(); rfb.focus(); });
    rfb.addEventListener("disconnect", () => ended());
  }, (text) => { note.textContent = text; });

  async function paste() {
    const field = document.getElementById("paste-text");
    const text = field.value;
    field.value = "";
    document.getElementById("paste").hidePopover();
    for (const letter of text) {
      const key = letter === "\n" ? 0xff0d : letter.codePointAt(0);
      const shift = SHIFTED.includes(letter);
      if (shift) rfb.sendKey(0xffe1, "ShiftLeft", true);
      rfb.sendKey(key > 0xff && key < 0xff00 ? 0x01000000 | key : key, null);
      if (shift) rfb.sendKey(0xffe1, "ShiftLeft", false);
      await new Promise((done) => setTimeout(done, KEY_PAUSE_MS));
    }
    rfb.focus();
  }

  const deeds = {
    cad: () => rfb?.sendCtrlAltDel(),
    paste,
    full: () => element.requestFullscreen(),
  };
  const click = (event) => { deeds[event.target.closest("[data-console]")?.dataset.console]?.(); };
  document.addEventListener("click", click);
  return () => { stop(); rfb?.disconnect(); document.removeEventListener("click", click); };
}
