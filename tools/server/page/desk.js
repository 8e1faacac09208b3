// The shop's desk as a customer sees it.
import * as api from "./api.js";
import { button, field, follow, h, replace, say, sendOnEnter } from "./dom.js";
import { language, money, named, number, t } from "./text.js";

const kept = { conversation: "", customer: "", turns: [], last: 0, expects: "", recommended: null };

export function newId() {
  return "web-" + [...crypto.getRandomValues(new Uint8Array(12))].map((b) => b.toString(16).padStart(2, "0")).join("");
}

// A product's card. reason: why it is recommended, or null.
function card(product, reason) {
  const stock = product.stock < 0 ? null : h("span", { className: product.stock ? "good" : "muted" }, t(product.stock ? "in_stock" : "sold_out"));
  return h("li", { className: "product" },
    h("div", { className: "picture", "aria-hidden": "true" }, product.title.trim().slice(0, 1)),
    h("div", {}, h("h4", {}, product.title), product.brand ? h("p", { className: "muted" }, product.brand) : null,
      reason ? h("p", { className: "reason" }, reason) : null, h("p", { className: "price" }, money(product.price, product.currency), " ", stock)));
}

async function products(ids) {
  if (!ids.length) return [];
  const query = new URLSearchParams({ ids: ids.join(","), lang: language() });
  return (await api.call("GET", "/shop/products?" + query)).products;
}

function actionLine(action) {
  if (!action || !action.name) return null;
  const key = { DONE: "done_action", FAILED: "failed_action" }[action.state] || "unknown_action";
  return h("p", { className: "done " + action.state.toLowerCase() }, t(key, named("action", action.name), action.object));
}

export function mount(view, context) {
  const mayName = context.roles.some((r) => r === "shop" || r === "admin");
  let running = null, timer = 0, ended = false;
  if (!kept.conversation) kept.conversation = newId();
  const customer = () => mayName ? kept.customer.trim() : context.customer || "";

  const log = h("div", { className: "log", role: "log", "aria-live": "polite", tabIndex: 0, "aria-label": t("nav_desk") });
  const choices = h("div", { className: "row choices" });
  const text = h("textarea", { rows: 1, placeholder: t("type_message"), "aria-label": t("message"), id: "desk-text" });
  const go = button(t("send"), () => send(text.value), { className: "primary", id: "desk-send" });
  sendOnEnter(text, () => send(text.value));

  function bubble(turn) {
    if (turn.role === "user") return h("article", { className: "bubble user" }, h("h3", { className: "who" }, t("you")), h("p", { className: "words" }, turn.text));
    const a = turn.answer, meta = [];
    if (a && a.route !== "person") {
      meta.push(named("route", a.route));
      if (a.intent && named("intent", a.intent) !== meta[0]) meta.push(named("intent", a.intent));
      if (a.probability > 0 && a.probability < 1) meta.push(t("sure", number(100 * a.probability)));
      meta.push(t("took_ms", number(a.ms.total, a.ms.total < 10 ? 1 : 0)));
    }
    return h("article", { className: "bubble assistant" }, h("h3", { className: "who" }, turn.person ? t("person", turn.person) : t("desk_name")),
      h("p", { className: "words" }, turn.text || "…"), a ? actionLine(a.action) : null,
      turn.products && turn.products.length ? h("ul", { className: "products" }, turn.products.map((p) => card(p, null))) : null,
      a && a.citations && a.citations.length ? h("p", { className: "cited" }, t("sources"), " ", a.citations.map((c) => h("code", {}, `${c.id} v${c.version}`))) : null,
      meta.length ? h("p", { className: "meta" }, meta.join(" · ")) : null);
  }

  function show() {
    replace(log, kept.turns.length ? kept.turns.filter((turn) => turn.text || !turn.answer).map(bubble) : h("div", { className: "empty" }, h("p", { className: "muted" }, t("desk_empty")),
      h("div", { className: "starts" }, [1, 2, 3, 4, 5].map((i) => button(t("start_" + i), () => send(t("start_" + i)))))));
    showChoices(); // makes the log shorter
    log.scrollTop = log.scrollHeight;
  }

  function showChoices() {
    const parts = [];
    if (kept.expects === "yes")
      parts.push(button(t("yes"), () => send(t("yes_text")), { className: "primary", id: "desk-yes" }), button(t("no"), () => send(t("no_text")), { id: "desk-no" }));
    if (kept.expects === "person") parts.push(h("p", { className: "waiting" }, t(kept.turns.some((x) => x.person) ? "person_answers" : "waits_for_person")));
    replace(choices, parts);
  }

  // What a person writes comes with the conversation's history.
  async function poll() {
    clearTimeout(timer);
    if (ended || kept.expects !== "person") return;
    const id = kept.conversation;
    try {
      const h1 = await api.call("GET", `/shop/conversations/${encodeURIComponent(id)}?after=${kept.last}`);
      if (id !== kept.conversation) return; // of a conversation that was left
      const fresh = h1.turns.filter((turn) => turn.number > kept.last);
      if (fresh.length) kept.last = fresh[fresh.length - 1].number;
      const said = fresh.filter((turn) => turn.route === "person");
      if (!ended && said.length) {
        for (const turn of said) kept.turns.push({ role: "desk", text: turn.reply, person: turn.agent, answer: null, time: turn.time });
        show();
      }
      if (h1.status !== "waiting" && h1.status !== "person") {
        kept.expects = "";
        showChoices();
      }
    } catch { /* the next time */ }
    if (!ended && kept.expects === "person") timer = setTimeout(poll, 1500);
  }

  async function send(words) {
    words = words.trim();
    if (!words || running) return;
    running = new AbortController();
    const turn = { role: "desk", text: "", answer: null, products: [] };
    kept.turns.push({ role: "user", text: words }, turn);
    kept.expects = "";
    text.value = "";
    show();
    go.disabled = true;
    const line = log.lastElementChild.querySelector(".words");
    line.setAttribute("aria-label", t("desk_types"));
    const body = { conversation: kept.conversation, text: words, id: newId(), stream: true };
    if (customer() && mayName) body.customer = customer();
    try {
      await api.stream("/shop/turn", body, (event) => {
        if (event.delta !== undefined) {
          turn.text += event.delta;
          follow(log, () => { line.textContent = turn.text; });
        } else {
          turn.answer = event;
          turn.text = event.reply;
        }
      }, running.signal);
      if (turn.answer.route === "silent") kept.expects = "person";
      else kept.expects = turn.answer.expects;
      if (turn.answer.products.length) turn.products = await products(turn.answer.products);
      if (kept.expects === "person" && !kept.last)
        kept.last = (await api.call("GET", `/shop/conversations/${encodeURIComponent(kept.conversation)}?k=1`)).all;
    } catch (error) {
      if (error.name !== "AbortError") {
        say(t("failed", error.message), true);
        if (!turn.answer) kept.turns.splice(-2);
        text.value = text.value || words;
      }
    }
    running = null;
    if (ended) return;
    go.disabled = false;
    show();
    const first = choices.querySelector("button");
    (first || text).focus();
    poll();
  }

  // ---- next to the dialogue

  const shelf = h("ul", { className: "products" });
  function showShelf() { replace(shelf, (kept.recommended || []).map(([p, reason]) => card(p, reason))); }
  async function recommend() {
    try {
      const body = { k: 4, lang: language() };
      if (mayName) Object.assign(body, customer() ? { customer: customer() } : { text: t("start_4") });
      else if (!context.customer) body.text = t("start_4");
      const { items } = await api.call("POST", "/shop/recommend", body);
      const found = await products(items.map((i) => i.id));
      kept.recommended = found.map((p) => [p, (items.find((i) => i.id === p.id) || {}).reason]);
      showShelf();
    } catch (error) {
      say(t("failed", error.message), true);
    }
  }
  function restart() {
    if (running) running.abort();
    Object.assign(kept, { conversation: newId(), turns: [], last: 0, expects: "", recommended: null });
    show();
    showShelf();
    text.focus();
  }
  const name = mayName
    ? field(t("customer"), h("input", { type: "text", id: "desk-customer", value: kept.customer, placeholder: "c001", spellcheck: false, autocomplete: "off",
        onchange: (e) => { kept.customer = e.target.value; restart(); } }), t("customer_hint"))
    : h("p", {}, context.customer ? t("customer_is", context.customer) : t("customer_none"));
  view.append(h("div", { className: "split desk" },
    h("aside", { className: "card panel open" }, h("div", { className: "fields" }, name, button(t("new_conversation"), restart, { id: "desk-new" }),
      h("h2", {}, t("recommend")), button(t("recommend_button"), recommend, { id: "desk-recommend" }), shelf)),
    h("section", { className: "card stage", "aria-label": t("nav_desk") }, log, choices, h("div", { className: "composer one" }, text, go))));
  show();
  showShelf();
  poll();
  return () => {
    ended = true;
    clearTimeout(timer);
    if (running) running.abort();
  };
}
