// Figures of the last days as charts.
import * as api from "./api.js";
import { bars, lines, ranking } from "./charts.js";
import { button, h, replace, say } from "./dom.js";
import { day, named, number, t } from "./text.js";

const kept = { days: 7 };

function tile(label, value) {
  return h("div", { className: "card tile" }, h("dt", {}, label), h("dd", {}, value));
}

const ms = (value) => value === null ? "–" : t("took_ms", number(value, value < 10 ? 1 : 0));
const share = (part, whole) => whole ? number((100 * part) / whole) + " %" : "–";
const sum = (days, key) => days.reduce((total, d) => total + d[key], 0);

function charts(d) {
  const words = { day: t("day"), name: t("name"), count: t("count"), table: t("as_table"), nothing: t("nothing") };
  const dates = d.days.map((x) => day(x.begin + 43200)), of = (key) => d.days.map((x) => x[key]);
  const rows = (group, names = group) => Object.entries(d.figures[group] || {}).sort((a, b) => b[1] - a[1]).slice(0, 12).map(([name, n]) => [named(names, name), n]);
  return [
    bars(t("chart_answers"), dates, [
      { name: t("answered"), className: "s1", values: of("answered") }, { name: t("asked_back"), className: "s2", values: of("asked_back") },
      { name: t("handed_over"), className: "s3", values: of("handed_over") }, { name: t("refused"), className: "s4", values: of("refused") }], words),
    lines(t("chart_times"), dates, [{ name: t("median"), className: "s1", values: of("p50_ms") }, { name: t("p95"), className: "s3", values: of("p95_ms") }], words, (v) => number(v, v < 10 ? 1 : 0)),
    ranking(t("chart_intents"), rows("intent"), words),
    ranking(t("chart_routes"), rows("route"), words),
    ranking(t("chart_sentiment"), rows("sentiment"), words, "s2"),
    ranking(t("chart_handovers"), rows("handover", "reason"), words, "s3"),
    ranking(t("chart_suggestions"), rows("suggestion"), words, "s2"),
    ranking(t("chart_languages"), rows("language"), words),
  ];
}

export function mount(view) {
  let ended = false;
  const tiles = h("dl", { className: "tiles" }), grid = h("div", { className: "charts", id: "charts" });
  const days = h("select", { id: "dashboard-days", "aria-label": t("days"), onchange: (e) => { kept.days = Number(e.target.value); load(); } },
    [7, 30, 90].map((n) => h("option", { value: n, selected: n === kept.days }, t("last_days", n))));

  async function load() {
    const offset = -60 * new Date().getTimezoneOffset();
    try {
      const d = await api.call("GET", `/shop/dashboard?days=${kept.days}&offset=${offset}`);
      if (ended) return;
      const answered = sum(d.days, "answered"), handed = sum(d.days, "handed_over");
      replace(tiles, tile(t("tile_turns"), number(d.turns)), tile(t("tile_conversations"), number(d.conversations)), tile(t("tile_answered"), share(answered, d.turns)),
        tile(t("tile_handed"), share(handed, d.turns)), tile(t("tile_p50"), ms(d.p50_ms)), tile(t("tile_p95"), ms(d.p95_ms)), tile(t("tile_waiting"), number(d.waiting)));
      replace(grid, charts(d));
    } catch (error) { if (!ended) say(t("failed", error.message), true); }
  }
  view.append(h("div", { className: "row bar" }, days, button(t("refresh"), load, { id: "dashboard-refresh" })), tiles, grid);
  load();
  return () => { ended = true; };
}
