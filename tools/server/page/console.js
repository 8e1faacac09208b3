// The agent's console: who waits, what was said, what to reply, what to settle.
import * as api from "./api.js";
import { button, h, replace, say, sendOnEnter } from "./dom.js";
import { clock, named, number, t } from "./text.js";

const kept = { id: "", plain: false, draft: "", suggestion: null };
const path = (id, rest = "") => `/shop/conversations/${encodeURIComponent(id)}${rest}`;

// "wanted; intent track_order: where is it" without what its columns say already
const summaryText = (summary) => summary.replace(/^[^:]*: /, "");

export function mount(view) {
  let timer = 0, ended = false, queue = { conversations: [], actions: [], now: 0 }, open = null, offered = [], shownTurns = "";

  const list = h("ul", { className: "queue" }), count = h("span", { className: "badge push" }), unsettled = h("div", {});
  const stage = h("section", { className: "card stage", "aria-label": t("nav_console") });
  const failed = (error) => say(t("failed", error.message), true);

  // ---- queue

  function wait(conversation) {
    const minutes = Math.floor((queue.now - (conversation.since || conversation.time)) / 60);
    return minutes > 0 ? t("since", number(minutes)) : t("just_now");
  }

  function statusOf(c) { return c.status === "person" ? t("status_person", c.agent || "") : t("status_" + c.status); }

  function showQueue() {
    const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.conversation : null;
    replace(list, queue.conversations.length ? queue.conversations.map((c) => h("li", {},
      h("button", { type: "button", className: "entry", "aria-current": c.id === kept.id ? "true" : null, "data-conversation": c.id, onclick: () => choose(c.id) },
        h("span", { className: "line-1" }, h("span", { className: "badge priority-" + c.priority }, t("priority_" + c.priority)), h("strong", {}, named("reason", c.reason)), h("span", { className: "muted" }, wait(c))),
        h("span", { className: "summary" }, summaryText(c.summary)),
        h("span", { className: "muted" }, `${c.customer || t("nobody")} · ${statusOf(c)}`))))
      : h("li", { className: "muted empty" }, t("queue_empty")));
    if (focused) { const again = list.querySelector(`[data-conversation="${CSS.escape(focused)}"]`); if (again) again.focus(); }
    replace(unsettled, queue.actions.length ? [h("h2", {}, t("unsettled")), h("p", { className: "muted" }, t("unsettled_help")),
      h("ul", { className: "actions" }, queue.actions.map((a) => h("li", { className: "card inner" },
        h("p", {}, h("strong", {}, named("action", a.name)), " ", h("code", {}, a.object)),
        h("p", { className: "muted" }, a.customer || t("nobody"), " · ", button(a.conversation, () => choose(a.conversation), { className: "link" })),
        h("div", { className: "row" }, button(t("took_effect"), () => settle(a, "DONE"), { "aria-label": `${t("took_effect")}: ${named("action", a.name)} ${a.object}` }),
          button(t("no_effect"), () => settle(a, "FAILED"), { "aria-label": `${t("no_effect")}: ${named("action", a.name)} ${a.object}` })))))] : null);
  }

  async function settle(action, state) {
    try {
      await api.call("POST", `/shop/actions/${encodeURIComponent(action.key)}/resolve`, { state });
      say(t("settled"));
      await refresh();
    } catch (error) { failed(error); }
  }

  async function refresh() {
    clearTimeout(timer);
    try {
      if (document.visibilityState === "visible") {
        const before = JSON.stringify(queue.conversations) + JSON.stringify(queue.actions);
        const known = new Set(queue.conversations.map((c) => c.id)), isFirst = !queue.now;
        queue = await api.call("GET", "/shop/queue");
        if (ended) return;
        const waiting = queue.conversations.filter((c) => c.status === "waiting"), fresh = waiting.find((c) => !known.has(c.id));
        document.title = `${waiting.length ? `(${waiting.length}) ` : ""}${t("nav_console")} · llmcs`;
        replace(count, waiting.length ? t("n_waiting", waiting.length) : "");
        if (fresh && !isFirst) say(t("new_waiting", summaryText(fresh.summary)));
        if (before !== JSON.stringify(queue.conversations) + JSON.stringify(queue.actions) || !list.childElementCount) showQueue();
        if (kept.id) await load(false);
      }
    } catch (error) { if (!ended) failed(error); }
    if (!ended) timer = setTimeout(refresh, 2500);
  }

  // ---- a conversation

  async function choose(id) {
    kept.id = id;
    kept.draft = "";
    kept.suggestion = null;
    offered = [];
    shownTurns = "";
    open = null;
    replace(stage, h("p", { className: "empty muted" }, t("loading"))); // not the buttons of the one before
    showQueue();
    try {
      await load(true);
      await suggest();
      const heading = stage.querySelector("h2");
      if (heading) heading.focus();
    } catch (error) { failed(error); }
  }

  // An answer that comes when another conversation is open, or none, is of no use.
  const isOver = (id) => ended || id !== kept.id;

  async function load(first) {
    // Plain texts are recorded in the audit each time they are read: a poll reads them only when something is new.
    const id = kept.id, head = await api.call("GET", path(id, "?k=1"));
    if (isOver(id)) return;
    const mark = `${id} ${head.all} ${head.status} ${kept.plain}`;
    if (mark === shownTurns && !first) return;
    const found = await api.call("GET", path(id, "?k=200" + (kept.plain ? "&plain=1" : "")));
    if (isOver(id)) return;
    open = found;
    const grew = shownTurns && mark !== shownTurns;
    shownTurns = mark;
    showConversation();
    if (grew) await suggest();
  }

  function turnBubbles(turn) {
    const parts = [];
    if (turn.text) parts.push(h("article", { className: "bubble user" }, h("h3", { className: "who" }, open.customer || t("customer")), h("p", { className: "words" }, turn.text), h("p", { className: "meta" }, clock(turn.time), turn.intent ? " · " + named("intent", turn.intent) : "")));
    if (turn.reply) parts.push(h("article", { className: "bubble assistant" + (turn.agent ? " agent" : "") }, h("h3", { className: "who" }, turn.agent ? t("person", turn.agent) : t("desk_name")), h("p", { className: "words" }, turn.reply),
      h("p", { className: "meta" }, named("route", turn.route), turn.detail && turn.detail.action ? ` · ${named("action", turn.detail.action.name)} ${turn.detail.action.state}` : "")));
    return parts;
  }

  const log = h("div", { className: "log", role: "log", "aria-live": "polite", tabIndex: 0, "aria-label": t("reply") });
  const text = h("textarea", { rows: 2, placeholder: t("type_reply"), "aria-label": t("reply"), id: "console-text" });
  const go = button(t("send"), () => send(), { className: "primary", id: "console-send" });
  const help = h("p", { className: "hint" }, t("take_first"));
  const cards = h("ul", { className: "suggestions" });
  text.addEventListener("input", () => { kept.draft = text.value; });
  sendOnEnter(text, () => send());

  function showConversation() {
    const mine = open.status === "person", row = queue.conversations.find((c) => c.id === kept.id);
    const head = h("div", { className: "stage-head" },
      h("div", {}, h("h2", { tabIndex: -1 }, open.customer || t("nobody")), h("p", { className: "muted" }, `${row && row.status === open.status ? statusOf(row) : t("status_" + open.status, "…")} · ${named("language", open.lang)}`)),
      h("div", { className: "row" },
        mine ? button(t("hand_back"), () => move("hand-back", "handed_back"), { id: "console-back" }) : open.status === "closed" ? null : button(t("take_over"), () => move("take-over", "taken"), { className: "primary", id: "console-take" }),
        open.status === "closed" ? null : button(t("close"), () => move("close", "closed_it"), { className: "quiet", id: "console-close" })));
    const plain = h("label", { className: "check" }, h("input", { type: "checkbox", checked: kept.plain, id: "console-plain", onchange: (e) => { kept.plain = e.target.checked; load(true).catch(failed); } }), t("plain_texts"));
    replace(log, open.turns.map(turnBubbles));
    text.disabled = go.disabled = !mine;
    help.hidden = mine;
    if (text.value !== kept.draft) text.value = kept.draft;
    const had = document.activeElement === text;
    replace(stage, h("div", { className: "talk" }, head, open.summary ? h("p", { className: "summary-line" }, h("strong", {}, named("reason", open.reason)), " ", summaryText(open.summary)) : null, plain, log,
        h("div", { className: "composer" }, text, help, h("div", { className: "row end" }, button(t("politer"), () => rewrite("politer"), { className: "quiet" }), button(t("shorter"), () => rewrite("shorter"), { className: "quiet" }), go))),
      h("div", { className: "offered" }, h("h2", {}, t("suggestions")), cards));
    log.scrollTop = log.scrollHeight;
    if (had) text.focus();
    showSuggestions();
  }

  function showSuggestions() {
    replace(cards, offered.length ? offered.map((s) => h("li", { className: "suggestion" },
      h("p", { className: "words" }, s.text),
      h("div", { className: "row" }, h("span", { className: "badge" }, t("kind_" + s.kind)), s.score > 0 ? h("span", { className: "muted" }, number(100 * s.score) + " %") : null,
        s.citations.map((c) => h("code", {}, `${c.id} v${c.version}`)),
        s.action && s.action.object ? h("span", { className: "muted" }, t("proposed", named("action", s.action.name), s.action.object)) : null,
        button(t("use"), () => use(s), { className: "small push", "aria-label": `${t("use")}: ${s.text.slice(0, 60)}` }))))
      : h("li", { className: "muted" }, t("no_suggestions")));
  }

  async function suggest() {
    if (!open || open.status === "closed" || !open.turns.some((turn) => turn.text)) { offered = []; showSuggestions(); return; }
    const id = kept.id;
    let found = [];
    try {
      found = (await api.call("POST", "/shop/assist", { conversation: id })).suggestions;
    } catch { /* none */ }
    if (isOver(id)) return;
    offered = found;
    showSuggestions();
  }

  function use(suggestion) {
    kept.draft = text.value = suggestion.text;
    kept.suggestion = suggestion;
    if (open.status === "person") text.focus();
    else stage.querySelector("#console-take").focus();
  }

  async function rewrite(style) {
    if (!text.value.trim()) return;
    const id = kept.id;
    try {
      const written = (await api.call("POST", "/shop/assist", { rewrite: style, text: text.value })).text;
      if (isOver(id)) return;
      kept.draft = text.value = written;
      text.focus();
    } catch (error) { failed(error); }
  }

  async function move(what, says) {
    try {
      await api.call("POST", path(kept.id, "/" + what), {});
      say(t(says));
      await refresh();
      if (what === "take-over") text.focus();
    } catch (error) { failed(error); }
  }

  async function send() {
    const words = text.value.trim(), { id, suggestion } = kept;
    if (!words || text.disabled) return;
    kept.draft = text.value = ""; // a second Enter sends nothing
    kept.suggestion = null;
    try {
      await api.call("POST", path(id, "/reply"), { text: words });
    } catch (error) {
      if (!isOver(id)) {
        kept.draft = text.value = words;
        kept.suggestion = suggestion;
      }
      failed(error);
      return;
    }
    try {
      if (suggestion) {
        const same = suggestion.text.trim() === words;
        await api.call("POST", "/shop/assist", same ? { suggestion: suggestion.id, outcome: "accepted" } : { suggestion: suggestion.id, outcome: "edited", sent: words });
      }
      if (isOver(id)) return;
      await load(true);
      log.scrollTop = log.scrollHeight;
      text.focus();
    } catch (error) { failed(error); }
  }

  view.append(h("div", { className: "split console" },
    h("aside", { className: "card panel open" }, h("div", { className: "row" }, h("h2", {}, t("queue")), count), list, unsettled), stage));
  replace(stage, h("p", { className: "empty muted" }, t("choose_conversation")));
  refresh();
  return () => {
    ended = true;
    clearTimeout(timer);
  };
}
