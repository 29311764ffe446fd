// Sends a file in pieces; after an interruption it goes on where the manager says it is.
import { csrf, send } from "./request.js";

const PIECE = 8 * 1024 * 1024;
const TRIES = 6;

async function piece(id, file, offset) {
  const answer = await fetch(`/api/v1/uploads/${id}`, {
    method: "PATCH",
    headers: { "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(offset), "X-CSRF-Token": csrf() },
    body: file.slice(offset, offset + PIECE),
  });
  if (!answer.ok) throw new Error((await answer.json()).detail);
  return (await answer.json()).offset;
}

async function transfer(file, report) {
  const upload = await send("POST", "/api/v1/uploads", { filename: file.name, size_bytes: file.size });
  let offset = 0;
  let failures = 0;
  while (offset < file.size) {
    try {
      offset = await piece(upload.id, file, offset);
      failures = 0;
    } catch (error) {
      if (++failures > TRIES) throw error;
      await new Promise((done) => setTimeout(done, 500 * 2 ** failures));
      offset = (await send("GET", `/api/v1/uploads/${upload.id}`)).offset;
    }
    report(offset / file.size);
  }
  return upload.id;
}

export function start(element) {
  const [file, hidden] = [element.querySelector('input[type="file"]'), element.querySelector('input[type="hidden"]')];
  const bar = element.querySelector("progress");
  const text = element.querySelector("[data-upload-text]");
  file.addEventListener("change", async () => {
    if (!file.files.length) return;
    bar.hidden = false;
    hidden.value = "";
    try {
      hidden.value = await transfer(file.files[0], (done) => { bar.value = done; text.textContent = `${Math.round(done * 100)}% sent`; });
      text.textContent = "All of it is here.";
    } catch (error) {
      text.textContent = error.message;
    }
    hidden.dispatchEvent(new Event("input", { bubbles: true }));
  });
}
