// Try a model: chat or completion, streamed, with its tokens.
import * as api from "./api.js";
import { button, field, follow, h, replace, say, sendOnEnter } from "./dom.js";
import { named, number, t } from "./text.js";

// What stays when the section is left or the language changes.
const kept = {
  model: "", mode: "", messages: [], prompt: "", output: null,
  system: "", temperature: "0", top_p: "1", top_k: "0", max_tokens: "80", seed: "", stop: "", tokens: false,
};

function parameters() {
  const body = { model: kept.model, stream: true, stream_options: { include_usage: true }, max_tokens: Number(kept.max_tokens) || 80 };
  body.temperature = Number(kept.temperature);
  if (body.temperature > 0) {
    body.top_p = Number(kept.top_p);
    if (Number(kept.top_k) > 0) body.top_k = Number(kept.top_k);
    if (kept.seed !== "") body.seed = Number(kept.seed);
  }
  const stop = kept.stop.split(",").map((s) => s.trim()).filter(Boolean);
  if (stop.length) body.stop = stop;
  return body;
}

// A chunk's text and tokens, of either call.
function pieces(chunk) {
  const choice = chunk.choices && chunk.choices[0];
  if (!choice) return { text: "", tokens: [], finish: null };
  const text = choice.delta ? choice.delta.content || "" : choice.text || "";
  const logprobs = choice.logprobs;
  let tokens = [];
  if (logprobs && logprobs.content)
    tokens = logprobs.content.map((x) => ({ text: x.token, id: x.token_id, logprob: x.logprob, top: (x.top_logprobs || []).map((a) => [a.token, a.logprob]) }));
  else if (logprobs && logprobs.tokens)
    tokens = logprobs.tokens.map((x, i) => ({ text: x, id: (logprobs.token_ids || [])[i], logprob: logprobs.token_logprobs[i], top: Object.entries((logprobs.top_logprobs || [])[i] || {}) }));
  return { text, tokens, finish: choice.finish_reason };
}

const percent = (logprob) => Math.round(1000 * Math.exp(logprob)) / 10;
const shown = (text) => text.replaceAll("\n", "⏎").replaceAll(" ", "·") || "∅";

function tokenList(tokens) {
  const detail = h("div", { className: "alternatives", "aria-live": "polite" }, h("p", { className: "muted" }, t("tokens_help")));
  const choose = (token) => {
    const rows = token.top.length ? token.top : [[token.text, token.logprob]];
    replace(detail, h("p", {}, t("instead", shown(token.text))), h("ul", {}, rows.sort((a, b) => b[1] - a[1]).map(([text, logprob]) =>
      h("li", {}, h("code", {}, shown(text)), h("meter", { min: 0, max: 100, value: percent(logprob), "aria-hidden": "true" }), h("span", {}, percent(logprob) + " %")))));
  };
  const chips = tokens.map((token) => {
    const p = Math.exp(token.logprob), id = token.id === undefined ? "–" : token.id;
    return h("li", {}, button([h("span", {}, shown(token.text)), token.id === undefined ? null : h("small", {}, String(token.id))], () => choose(token), {
      className: "token p" + Math.min(4, Math.floor(p * 5)), "aria-label": t("token_is", shown(token.text), id, percent(token.logprob)) }));
  });
  return h("div", { className: "tokens" }, h("h3", {}, t("tokens")), h("ul", { className: "chips" }, chips), detail);
}

function usageLine(made) {
  if (!made.usage) return made.stopped ? h("p", { className: "meta" }, t("stopped")) : null;
  const n = made.usage.completion_tokens, seconds = Math.max(0.001, (made.end - made.first) / 1000);
  const rate = n > 1 ? (n - 1) / seconds : n / seconds;
  const text = t("usage", made.usage.prompt_tokens, n, number(rate, rate < 100 ? 1 : 0), number(made.first - made.begin));
  return h("p", { className: "meta usage" }, text, made.finish ? " · " + t("finish", named("finish", made.finish)) : "");
}

export function mount(view, context) {
  const models = context.models.filter((m) => m.tasks.includes("generate"));
  let running = null; // AbortController
  if (!models.some((m) => m.id === kept.model)) kept.model = models[0].id;
  const canChat = () => models.find((m) => m.id === kept.model).tasks.includes("chat");
  if (!kept.mode) kept.mode = canChat() ? "chat" : "text";

  // ---- parameters

  const input = (name, properties) => h("input", { value: kept[name], oninput: (e) => { kept[name] = e.target.value; }, ...properties });
  const numeric = (name, min, max, step) => input(name, { type: "number", min, max, step, inputMode: "decimal" });
  const choice = h("select", { onchange: (e) => { kept.model = e.target.value; } },
    models.map((m) => h("option", { value: m.id, selected: m.id === kept.model }, m.id)));
  const modes = h("fieldset", { className: "segments" }, h("legend", { className: "hidden" }, t("mode")), ["chat", "text"].map((mode) =>
    h("label", {}, h("input", { type: "radio", name: "mode", value: mode, checked: kept.mode === mode, onchange: () => { kept.mode = mode; show(); } }), h("span", {}, t("mode_" + mode)))));
  const system = field(t("system"), h("textarea", { rows: 2, value: kept.system, oninput: (e) => { kept.system = e.target.value; } }));
  const panel = h("details", { className: "card panel", open: matchMedia("(min-width: 60rem)").matches }, h("summary", {}, t("parameters")), h("div", { className: "fields" },
    field(t("model"), choice), modes,
    h("label", { className: "check" }, h("input", { type: "checkbox", id: "model-tokens", checked: kept.tokens, onchange: (e) => { kept.tokens = e.target.checked; } }), t("show_tokens")), system,
    field(t("temperature"), numeric("temperature", 0, 2, 0.1), t("temperature_hint")),
    h("div", { className: "pair" }, field(t("top_p"), numeric("top_p", 0, 1, 0.05)), field(t("top_k"), numeric("top_k", 0, 1000, 1))),
    h("div", { className: "pair" }, field(t("max_tokens"), numeric("max_tokens", 1, 4096, 1)), field(t("seed"), input("seed", { type: "number", step: 1 }))),
    field(t("stop_words"), input("stop", { type: "text" }), t("stop_hint"))));

  // ---- work area

  const log = h("div", { className: "log", role: "log", "aria-live": "off", tabIndex: 0, "aria-label": t("output") });
  const spoken = h("div", { className: "hidden", "aria-live": "polite" });
  const text = h("textarea", { rows: 2, "aria-label": t("message") });
  const go = button("", () => send(), { className: "primary", id: "model-send" });
  const stop = button(t("stop"), () => running && running.abort(), { className: "danger", id: "model-stop", hidden: true });
  const clear = button(t("clear"), () => { kept.messages = []; kept.output = null; kept.prompt = ""; text.value = ""; show(); text.focus(); }, { className: "quiet" });
  text.addEventListener("input", () => { if (kept.mode === "text") kept.prompt = text.value; });
  sendOnEnter(text, () => send());

  function bubble(message) {
    const made = message.made;
    return h("article", { className: "bubble " + message.role }, h("h3", { className: "who" }, t(message.role === "user" ? "you" : "assistant")),
      h("p", { className: "words" }, message.content || (made && !made.end ? "…" : "")), made ? usageLine(made) : null, made && made.tokens.length && made.end ? tokenList(made.tokens) : null);
  }

  function show() {
    const chat = kept.mode === "chat";
    system.hidden = !chat;
    replace(go, t(chat ? "send" : "complete"));
    text.rows = chat ? 2 : 6;
    text.placeholder = t(chat ? "type_message" : "type_prompt");
    text.setAttribute("aria-label", t(chat ? "message" : "prompt"));
    text.value = chat ? "" : kept.prompt;
    if (chat) replace(log, kept.messages.length ? kept.messages.map(bubble) : h("p", { className: "muted empty" }, t("empty_chat")));
    else replace(log, kept.output ? bubble(kept.output) : h("p", { className: "muted empty" }, t("empty_chat")));
    log.scrollTop = log.scrollHeight;
  }

  async function send() {
    const words = kept.mode === "chat" ? text.value.trim() : text.value;
    if (!words || running) return;
    const chat = kept.mode === "chat", body = parameters();
    const made = { tokens: [], begin: performance.now(), first: 0, end: 0, usage: null, finish: null, stopped: false };
    const answer = { role: "assistant", content: "", made };
    if (chat) {
      kept.messages.push({ role: "user", content: words }, answer);
      body.messages = [...(kept.system.trim() ? [{ role: "system", content: kept.system.trim() }] : []),
        ...kept.messages.slice(0, -1).filter((m) => m.content).map(({ role, content }) => ({ role, content }))];
      if (kept.tokens) Object.assign(body, { logprobs: true, top_logprobs: 5 });
      text.value = "";
    } else {
      kept.prompt = words;
      kept.output = answer;
      body.prompt = words;
      if (kept.tokens) body.logprobs = 5;
    }
    running = new AbortController();
    go.hidden = true;
    stop.hidden = false;
    if (chat) replace(log, kept.messages.map(bubble)); else replace(log, bubble(answer));
    log.scrollTop = log.scrollHeight;
    const line = log.lastElementChild.querySelector(".words");
    try {
      await api.stream(chat ? "/v1/chat/completions" : "/v1/completions", body, (chunk) => {
        const { text: piece, tokens, finish } = pieces(chunk);
        if (chunk.usage) made.usage = chunk.usage;
        if (finish) made.finish = finish;
        made.tokens.push(...tokens);
        if (!piece) return;
        if (!made.first) made.first = performance.now();
        answer.content += piece;
        follow(log, () => { line.textContent = answer.content; });
      }, running.signal);
    } catch (error) {
      if (error.name === "AbortError") made.stopped = true;
      else {
        say(t("failed", error.message), true);
        if (chat && !answer.content) {
          kept.messages.splice(-2);
          text.value = words;
        }
      }
    }
    made.end = performance.now();
    if (!made.first) made.first = made.end;
    running = null;
    go.hidden = false;
    stop.hidden = true;
    spoken.textContent = answer.content;
    const draft = text.value;
    show();
    if (chat) text.value = draft;
    text.focus();
  }

  view.append(h("div", { className: "split model" }, panel, h("section", { className: "card stage", "aria-label": t("output") }, log, spoken,
    h("div", { className: "composer" }, text, h("div", { className: "row end" }, clear, stop, go)))));
  show();
  return () => { if (running) running.abort(); };
}
