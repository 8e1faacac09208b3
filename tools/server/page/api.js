// Requests to this server. The key lives in sessionStorage alone.

const KEY = "llmcs-key";
let onUnauthorized = () => {};

export function setUnauthorized(handler) { onUnauthorized = handler; }
export function key() { return sessionStorage.getItem(KEY) || ""; }
export function setKey(value) {
  if (value) sessionStorage.setItem(KEY, value);
  else sessionStorage.removeItem(KEY);
}

export class ApiError extends Error {
  constructor(status, message, code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

async function failure(response) {
  let error = {};
  try { error = (await response.json()).error || {}; } catch { /* not JSON */ }
  if (response.status === 401) onUnauthorized();
  return new ApiError(response.status, error.message || response.statusText || String(response.status), error.code);
}

function send(method, path, body, signal) {
  const headers = {};
  if (key()) headers.Authorization = "Bearer " + key();
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return fetch(path, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) });
}

export async function call(method, path, body, signal) {
  const response = await send(method, path, body, signal);
  if (!response.ok) throw await failure(response);
  return response.json();
}

// Calls each(object) for every event of a stream of server-sent events.
export async function stream(path, body, each, signal) {
  const response = await send("POST", path, body, signal);
  if (!response.ok) throw await failure(response);
  const reader = response.body.getReader(), decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    rest += decoder.decode(value || new Uint8Array(), { stream: !done });
    const events = rest.split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const data = event.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trim()).join("\n");
      if (!data || data === "[DONE]") continue;
      const object = JSON.parse(data);
      if (object.error) throw new ApiError(500, object.error.message, object.error.code);
      each(object);
    }
    if (done) return;
  }
}

// What this key may do: {models, roles, customer, shop}; null: a key is needed.
export async function capabilities() {
  const found = await call("GET", "/whoami");
  if (!found.roles.length) return null;
  found.models = found.roles.includes("inference") ? (await call("GET", "/v1/models")).data : [];
  return found;
}
