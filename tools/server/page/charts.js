// Charts as SVG: each has a title, text for readers of screens, and its numbers as a table.
import { h, svg } from "./dom.js";

const HEIGHT = 190, LEFT = 44, RIGHT = 10, TOP = 10, BOTTOM = 26;

// Units a drawing is wide: about the pixels that it gets, so that its letters are as large as the page's.
const width = () => Math.max(300, Math.min(560, document.documentElement.clientWidth - 64));
// How wide a name is in the letters of charts.
const wide = (name) => [...name].reduce((sum, c) => sum + (c > "\u2e7f" ? 13 : 7.8), 0);

// Round steps for an axis: 1, 2 or 5 times a power of ten.
export function ticks(max, n = 4) {
  if (!(max > 0)) return [0, 1];
  const raw = max / n, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((f) => f * power).find((s) => s >= raw);
  const found = [];
  for (let i = 0; i * step < max + step * 0.999; i++) found.push(i * step);
  return found;
}

function axis(marks, y, format, WIDTH) {
  return marks.map((value) => [
    svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value), class: value ? "grid" : "axis" }),
    svg("text", { x: LEFT - 6, y: y(value) + 4, class: "tick end" }, format(value)),
  ]);
}

function labels(names, x, WIDTH) {
  const every = Math.ceil((names.length * (Math.max(...names.map(wide)) + 10)) / (WIDTH - LEFT - RIGHT));
  return names.map((name, i) => i % every ? null :
    svg("text", { x: x(i), y: HEIGHT - 8, class: "tick middle" }, name));
}

function legend(series) {
  return h("ul", { className: "legend" }, series.map((s) => h("li", { className: s.className }, s.name)));
}

function table(caption, head, rows, tableName) {
  return h("details", { className: "as-table" }, h("summary", {}, tableName),
    h("div", { className: "scroll" }, h("table", {}, h("caption", { className: "hidden" }, caption),
      h("thead", {}, h("tr", {}, head.map((c) => h("th", { scope: "col" }, c)))),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map((c, i) => i ? h("td", {}, c) : h("th", { scope: "row" }, c))))))));
}

function figure(title, words, drawing, rest) {
  return h("section", { className: "card chart", "aria-label": title }, h("h3", {}, title), drawing, rest);
}

// Stacked bars: series [{name, className, values}], one value a name.
export function bars(title, names, series, words) {
  const WIDTH = width();
  const totals = names.map((_, i) => series.reduce((sum, s) => sum + s.values[i], 0));
  const marks = ticks(Math.max(1, ...totals)).filter((v) => v === Math.floor(v)), top = marks[marks.length - 1];
  const inner = WIDTH - LEFT - RIGHT, step = inner / names.length, thick = Math.min(34, step * 0.62);
  const y = (v) => HEIGHT - BOTTOM - (v / top) * (HEIGHT - TOP - BOTTOM), x = (i) => LEFT + step * (i + 0.5);
  const columns = names.map((name, i) => {
    let below = 0;
    return svg("g", {}, svg("title", {}, `${name}: ${series.map((s) => `${s.name} ${s.values[i]}`).join(", ")}`),
      series.map((s) => {
        const from = below;
        below += s.values[i];
        return s.values[i] ? svg("rect", { x: x(i) - thick / 2, width: thick, y: y(below), height: y(from) - y(below), class: s.className, rx: 2 }) : null;
      }));
  });
  const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title}: ${totals.reduce((a, b) => a + b, 0)}` },
    axis(marks, y, String, WIDTH), columns, labels(names, x, WIDTH));
  return figure(title, words, drawing, [legend(series),
    table(title, [words.day, ...series.map((s) => s.name)], names.map((n, i) => [n, ...series.map((s) => s.values[i])]), words.table)]);
}

// Lines: values may be null, where the line is interrupted.
export function lines(title, names, series, words, format) {
  const WIDTH = width();
  const all = series.flatMap((s) => s.values).filter((v) => v !== null);
  const marks = ticks(Math.max(0.001, ...all)), top = marks[marks.length - 1];
  const step = (WIDTH - LEFT - RIGHT) / names.length;
  const y = (v) => HEIGHT - BOTTOM - (v / top) * (HEIGHT - TOP - BOTTOM), x = (i) => LEFT + step * (i + 0.5);
  const shapes = series.map((s) => {
    let path = "", open = false;
    s.values.forEach((v, i) => {
      if (v === null) { open = false; return; }
      path += `${open ? "L" : "M"}${x(i).toFixed(1)} ${y(v).toFixed(1)}`;
      open = true;
    });
    return svg("g", { class: s.className }, svg("path", { d: path, class: "line" }),
      s.values.map((v, i) => v === null ? null : svg("circle", { cx: x(i), cy: y(v), r: 3.5 }, svg("title", {}, `${names[i]}: ${s.name} ${format(v)}`))));
  });
  const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": title }, axis(marks, y, format, WIDTH), shapes, labels(names, x, WIDTH));
  return figure(title, words, drawing, [legend(series),
    table(title, [words.day, ...series.map((s) => s.name)], names.map((n, i) => [n, ...series.map((s) => s.values[i] === null ? "–" : format(s.values[i]))]), words.table)]);
}

// Horizontal bars of counts, the largest first: rows [[name, n]].
export function ranking(title, rows, words, className = "s1") {
  const WIDTH = width(), line = 26, height = Math.max(1, rows.length) * line;
  const nameWidth = Math.min(WIDTH * 0.42, Math.max(60, ...rows.map((r) => wide(r[0]))) + 14), most = Math.floor((nameWidth - 14) / 7.2);
  const length = (n) => Math.max(2, (n / top) * (WIDTH - nameWidth - 84));
  const top = Math.max(1, ...rows.map((r) => r[1])), total = rows.reduce((sum, r) => sum + r[1], 0);
  const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": `${title}: ${rows.map((r) => `${r[0]} ${r[1]}`).join(", ")}` },
    rows.map(([name, n], i) => svg("g", {}, svg("title", {}, `${name}: ${n}`),
      svg("text", { x: nameWidth - 10, y: i * line + 17, class: "name end" }, name.length > most ? name.slice(0, most - 1) + "…" : name),
      svg("rect", { x: nameWidth, y: i * line + 5, width: length(n), height: 15, rx: 3, class: className }),
      svg("text", { x: nameWidth + length(n) + 8, y: i * line + 17, class: "tick" }, `${n} · ${Math.round((100 * n) / total)} %`))));
  return figure(title, words, rows.length ? drawing : h("p", { className: "muted" }, words.nothing),
    rows.length ? table(title, [words.name, words.count], rows, words.table) : null);
}
