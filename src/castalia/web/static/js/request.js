// Requests of the page's own scripts: same origin, with the CSRF token.
export const csrf = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

export async function part(address) {
  const answer = await fetch(address, { headers: { "HX-Request": "true" } });
  if (answer.status === 401) location.assign("/login");
  return { ok: answer.ok && answer.status !== 204, text: await answer.text() };
}

export async function send(method, address, body) {
  const answer = await fetch(address, {
    method,
    headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf() },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  const data = text ? JSON.parse(text) : null;
  if (!answer.ok) throw Object.assign(new Error(data?.detail ?? answer.statusText), { problem: data });
  return data;
}
