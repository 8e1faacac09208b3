// Entries of the knowledge base: find, edit, retire, with a test next to it.
import * as api from "./api.js";
import { button, confirm, field, h, replace, say, sendOnEnter } from "./dom.js";
import { named, number, t } from "./text.js";

const PAGE = 50;
const kept = { search: "", lang: "", retired: false, k: PAGE, open: null, question: "" };

const path = (id, query) => `/shop/faq/${encodeURIComponent(id)}${query ? "?" + new URLSearchParams(query) : ""}`;

export function mount(view) {
  let timer = 0, entries = [], all = 0;
  const failed = (error) => say(t("failed", error.message), true);

  // ---- list

  const list = h("ul", { className: "queue", id: "faq-list" }), count = h("p", { className: "muted", "aria-live": "polite" });
  const more = button(t("more"), () => { kept.k += PAGE; load(); }, { className: "quiet", hidden: true });

  function showList() {
    count.textContent = t("n_entries", number(all));
    replace(list, entries.map((e) => h("li", {}, h("button", { type: "button", className: "entry", "aria-current": kept.open && kept.open.id === e.id && kept.open.lang === e.lang ? "true" : null, onclick: () => choose(e) },
      h("span", { className: "row" }, h("strong", {}, e.id), e.retired ? h("span", { className: "badge" }, t("retired")) : null, h("span", { className: "muted push" }, `${e.lang} · v${e.version}`)),
      h("span", { className: "summary" }, e.questions[0] || "")))));
    more.hidden = entries.length >= all;
  }

  async function load() {
    const query = new URLSearchParams({ search: kept.search, lang: kept.lang, retired: kept.retired ? "1" : "0", k: String(Math.min(1000, kept.k)) });
    try {
      const found = await api.call("GET", "/shop/faq?" + query);
      entries = found.entries;
      all = found.all;
      showList();
    } catch (error) { failed(error); }
  }
  function later() {
    clearTimeout(timer);
    kept.k = PAGE;
    timer = setTimeout(load, 200);
  }

  const filters = h("div", { className: "fields" },
    field(t("search"), h("input", { type: "search", id: "faq-search", value: kept.search, oninput: (e) => { kept.search = e.target.value; later(); } })),
    field(t("language"), h("select", { onchange: (e) => { kept.lang = e.target.value; later(); } },
      [["", t("all_languages")], ["en", named("language", "en")], ["zh", named("language", "zh")]].map(([value, label]) => h("option", { value, selected: kept.lang === value }, label)))),
    h("label", { className: "check" }, h("input", { type: "checkbox", checked: kept.retired, onchange: (e) => { kept.retired = e.target.checked; later(); } }), t("with_retired")),
    h("div", { className: "row" }, count, button(t("new_entry"), () => choose({ id: "", lang: "en", version: 0, questions: [], answer: "", tags: [], retired: false }), { className: "push", id: "faq-new" })));

  // ---- editor

  const editor = h("section", { className: "card form", "aria-label": t("nav_faq") });

  // Whether the form holds what is not saved.
  let isChanged = () => false;

  async function choose(entry) {
    if (isChanged() && !await confirm(t("discard_sure"), t("cancel"), t("discard"))) return;
    edit(entry, true);
  }

  function edit(entry, focus) {
    kept.open = entry;
    showList();
    const isNew = !entry.version;
    const id = h("input", { type: "text", value: entry.id, disabled: !isNew, required: true, spellcheck: false, id: "faq-id" });
    const lang = h("select", { disabled: !isNew, id: "faq-lang" }, ["en", "zh", ...(["en", "zh"].includes(entry.lang) ? [] : [entry.lang])].map((l) => h("option", { value: l, selected: l === entry.lang }, named("language", l))));
    const questions = h("textarea", { rows: 7, value: entry.questions.join("\n"), required: true, id: "faq-questions" });
    const answer = h("textarea", { rows: 5, value: entry.answer, required: true, id: "faq-answer" });
    const tags = h("input", { type: "text", value: entry.tags.join(", "), id: "faq-tags" });
    isChanged = () => editor.isConnected && (questions.value !== entry.questions.join("\n") || answer.value !== entry.answer || tags.value !== entry.tags.join(", "));
    const old = h("p", { className: "hint", role: "status" });
    const versions = isNew ? null : field(t("version"), h("select", { id: "faq-version", onchange: async (e) => {
      const wanted = Number(e.target.value);
      try {
        const v = wanted === entry.version ? entry : await api.call("GET", path(entry.id, { lang: entry.lang, version: wanted }));
        questions.value = v.questions.join("\n");
        answer.value = v.answer;
        old.textContent = wanted === entry.version ? "" : t("version_old");
      } catch (error) { failed(error); }
    } }, Array.from({ length: entry.version }, (_, i) => entry.version - i).map((v) => h("option", { value: v }, v === entry.version ? t("version_now", v) : v))));

    async function save(event) {
      event.preventDefault();
      const clean = (text, by) => text.split(by).map((s) => s.trim()).filter(Boolean);
      const body = { lang: lang.value, questions: clean(questions.value, "\n"), answer: answer.value.trim(), tags: clean(tags.value, /[,，]/) };
      for (const key of ["valid_from", "valid_until"]) if (entry[key]) body[key] = entry[key];
      try {
        const [saved] = (await api.call("PUT", path(id.value.trim()), body)).entries;
        say(saved.version === entry.version && !entry.retired ? t("unchanged", saved.version) : t("saved", saved.version));
        await load();
        edit(saved, false);
        if (kept.question) ask();
        editor.querySelector("#faq-save").focus();
      } catch (error) { failed(error); }
    }

    async function retire() {
      if (!await confirm(t("retire_sure", entry.id, entry.lang), t("cancel"), t("retire"))) return;
      try {
        await api.call("DELETE", path(entry.id, { lang: entry.lang }));
        say(t("is_retired"));
        kept.open = null;
        await load();
        showEditor();
        if (kept.question) ask();
      } catch (error) { failed(error); }
    }

    replace(editor, h("form", { className: "fields", onsubmit: save },
      h("h2", { tabIndex: -1 }, isNew ? t("new_entry") : entry.id, entry.retired ? h("span", { className: "badge" }, t("retired")) : null),
      isNew ? h("div", { className: "pair" }, field(t("entry_id"), id), field(t("entry_lang"), lang)) : h("div", { className: "pair" }, field(t("entry_lang"), lang), versions), old,
      field(t("questions"), questions, t("questions_hint")), field(t("answer"), answer), field(t("tags"), tags, t("tags_hint")),
      h("div", { className: "row end" }, isNew || entry.retired ? null : button(t("retire"), retire, { className: "danger", id: "faq-retire" }),
        h("button", { type: "submit", className: "primary", id: "faq-save" }, t("save")))));
    if (focus) (isNew ? id : editor.querySelector("h2")).focus();
  }

  function showEditor() {
    if (kept.open) edit(kept.open, false);
    else {
      isChanged = () => false;
      replace(editor, h("p", { className: "empty muted" }, t("choose_entry")));
    }
  }

  // ---- live test

  const result = h("div", { "aria-live": "polite", id: "faq-result" });
  const question = h("textarea", { rows: 2, id: "faq-question", value: kept.question, oninput: (e) => { kept.question = e.target.value; } });
  sendOnEnter(question, () => ask());

  async function ask() {
    const text = question.value.trim();
    if (!text) return;
    try {
      const a = await api.call("POST", "/shop/ask", { text, k: 5 });
      replace(result,
        h("div", { className: "answer" + (a.answer ? "" : " none") }, h("p", { className: "words" }, a.answer || t("threshold_no")),
          h("p", { className: "meta" }, `${named("route", a.route.toLowerCase())} · ${t("probability")} ${number(100 * a.probability, 1)} % · ${t("took_ms", number(a.ms.total, 1))}`)),
        h("h3", {}, t("candidates")),
        h("ol", { className: "candidates" }, a.candidates.map((c) => h("li", {},
          h("div", { className: "row" }, button(c.id, () => openById(c.id, c.lang), { className: "link" }), h("span", { className: "muted" }, c.lang), h("span", { className: "push" }, number(100 * c.score, 1) + " %")),
          h("meter", { min: 0, max: 1, value: c.score, "aria-hidden": "true" }), h("p", { className: "muted" }, c.question)))));
    } catch (error) { failed(error); }
  }

  async function openById(id, lang) {
    try {
      const entry = (await api.call("GET", path(id))).entries.find((e) => e.lang === lang);
      if (entry) await choose(entry);
    } catch (error) { failed(error); }
  }

  view.append(h("div", { className: "split faq" },
    h("aside", { className: "card panel open" }, filters, list, more), editor,
    h("section", { className: "card form", "aria-label": t("live_test") }, h("div", { className: "fields" }, h("h2", {}, t("live_test")), h("p", { className: "muted" }, t("live_help")),
      field(t("question"), question), h("div", { className: "row end" }, button(t("ask"), () => ask(), { className: "primary", id: "faq-ask" })), result))));
  showEditor();
  load();
  if (kept.question) ask();
  return () => clearTimeout(timer);
}
