// Charts as SVG: each has a title, text for readers of screens, and its numbers as a table.
import { h, svg } from "./dom.js";

const WIDTH = 560, HEIGHT = 190, LEFT = 44, RIGHT = 10, TOP = 10, BOTTOM = 26;

// Round steps for an axis: 1, 2 or 5 times a power of ten.
export function ticks(max, n = 4) {
  if (!(max > 0)) return [0, 1];
  const raw = max / n, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((f) => f * power).find((s) => s >= raw);
  const found = [];
  for (let i = 0; i * step < max + step * 0.999; i++) found.push(i * step);
  return found;
}

function axis(marks, y, format) {
  return marks.map((value) => [
    svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value), class: value ? "grid" : "axis" }),
    svg("text", { x: LEFT - 6, y: y(value) + 4, class: "tick end" }, format(value)),
  ]);
}

function labels(names, x) {
  const every = Math.ceil(names.length / 8);
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
  const totals = names.map((_, i) => series.reduce((sum, s) => sum + s.values[i], 0));
  const marks = ticks(Math.max(1, ...totals)).filter((v) => v === Math.floor(v)), top = marks[marks.length - 1];
  const inner = WIDTH - LEFT - RIGHT, step = inner / names.length, wide = Math.min(34, step * 0.62);
  const y = (v) => HEIGHT - BOTTOM - (v / top) * (HEIGHT - TOP - BOTTOM), x = (i) => LEFT + step * (i + 0.5);
  const columns = names.map((name, i) => {
    let below = 0;
    return svg("g", {}, svg("title", {}, `${name}: ${series.map((s) => `${s.name} ${s.values[i]}`).join(", ")}`),
      series.map((s) => {
        const from = below;
        below += s.values[i];
        return s.values[i] ? svg("rect", { x: x(i) - wide / 2, width: wide, y: y(below), height: y(from) - y(below), class: s.className, rx: 2 }) : null;
      }));
  });
  const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title}: ${totals.reduce((a, b) => a + b, 0)}` },
    axis(marks, y, String), columns, labels(names, x));
  return figure(title, words, drawing, [legend(series),
    table(title, [words.day, ...series.map((s) => s.name)], names.map((n, i) => [n, ...series.map((s) => s.values[i])]), words.table)]);
}

// Lines: values may be null, where the line is interrupted.
export function lines(title, names, series, words, format) {
  const all = series.flatMap((s) => s.values).filter((v) => v !== null);
  const marks = ticks(Math.max(0.001, ...all)), top = marks[marks.length - 1];
  const step = (WIDTH - LEFT - RIGHT) / names.length;
  const y = (v) => HEIGHT - BOTTOM - (v / top) * (HEIGHT - TOP - BOTTOM), x = (i) => LEFT + step * (i + 0.5);
  const drawn = series.map((s) => {
    let path = "", open = false;
    s.values.forEach((v, i) => {
      if (v === null) { open = false; return; }
      path += `${open ? "L" : "M"}${x(i).toFixed(1)} ${y(v).toFixed(1)}`;
      open = true;
    });
    return svg("g", { class: s.className }, svg("path", { d: path, class: "line" }),
      s.values.map((v, i) => v === null ? null : svg("circle", { cx: x(i), cy: y(v), r: 3.5 }, svg("title", {}, `${names[i]}: ${s.name} ${format(v)}`))));
  });
  const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": title }, axis(marks, y, format), drawn, labels(names, x));
  return figure(title, words, drawing, [legend(series),
    table(title, [words.day, ...series.map((s) => s.name)], names.map((n, i) => [n, ...series.map((s) => s.values[i] === null ? "–" : format(s.values[i]))]), words.table)]);
}

// Horizontal bars of counts, the largest first: rows [[name, n]].
export function ranking(title, rows, words, className = "s1") {
  const line = 26, nameWidth = 190, width = WIDTH, height = Math.max(1, rows.length) * line;
  const top = Math.max(1, ...rows.map((r) => r[1])), total = rows.reduce((sum, r) => sum + r[1], 0);
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${title}: ${rows.map((r) => `${r[0]} ${r[1]}`).join(", ")}` },
    rows.map(([name, n], i) => svg("g", {}, svg("title", {}, `${name}: ${n}`),
      svg("text", { x: nameWidth - 10, y: i * line + 17, class: "name end" }, name.length > 24 ? name.slice(0, 23) + "…" : name),
      svg("rect", { x: nameWidth, y: i * line + 5, width: Math.max(2, (n / top) * (width - nameWidth - 96)), height: 15, rx: 3, class: className }),
      svg("text", { x: nameWidth + Math.max(2, (n / top) * (width - nameWidth - 96)) + 8, y: i * line + 17, class: "tick" }, `${n} · ${Math.round((100 * n) / total)} %`))));
  return figure(title, words, rows.length ? drawing : h("p", { className: "muted" }, words.nothing),
    rows.length ? table(title, [words.name, words.count], rows, words.table) : null);
}
