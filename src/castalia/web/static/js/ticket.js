// A console's WebSocket address: a fresh ticket for each connection, because one is good once and for seconds.
import { send } from "./request.js";

export async function consoleAddress(vm, kind) {
  const answer = await send("POST", `/api/v1/vms/${vm}/tickets`, { kind });
  const url = new URL(answer.url, location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

// Calls `open` again after an end that was not wanted, slower each time, until `stop` is called.
export function keepOpen(open, say) {
  let tries = 0;
  let stopped = false;
  let timer = null;
  const run = async () => {
    try {
      await open({ connected: () => { tries = 0; say(""); }, ended });
    } catch (error) {
      ended(error.problem?.remedy ? `${error.message} ${error.problem.remedy}` : error.message);
    }
  };
  function ended(reason = "") {
    if (stopped) return;
    const pause = Math.min(1000 * 2 ** tries++, 10000);
    say(reason || "The console was closed; connecting again…");
    clearTimeout(timer);
    timer = setTimeout(run, pause);
  }
  run();
  return () => { stopped = true; clearTimeout(timer); };
}
