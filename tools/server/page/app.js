// The frame: language, key, sections. Each section is a module with mount(view, context), which may return a function
// that ends what it began (timers, streams).
import * as api from "./api.js";
import { h, button, replace, say } from "./dom.js";
import { language, setLanguage, t } from "./text.js";
import * as model from "./model.js";
import * as desk from "./desk.js";
import * as agent from "./console.js";
import * as faq from "./faq.js";
import * as dashboard from "./dashboard.js";

const STAFF = ["agent", "shop", "admin"];
const sections = [
  { id: "model", module: model, icon: "M5 4h14v11H9l-4 4z", open: (c) => c.models.some((m) => m.tasks.includes("generate")) },
  { id: "desk", module: desk, icon: "M4 10a8 8 0 0 1 16 0v5M4 11h3v6H4zM17 11h3v6h-3zM20 17a4 4 0 0 1-4 4h-3", open: (c) => c.shop && c.roles.some((r) => ["customer", "shop", "admin"].includes(r)) },
  { id: "console", module: agent, icon: "M8 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM1 21a7 7 0 0 1 14 0M16 4a4 4 0 0 1 0 7M23 21a7 7 0 0 0-5-6.7", open: (c) => c.shop && c.roles.some((r) => STAFF.includes(r)) },
  { id: "faq", module: faq, icon: "M5 3h12a2 2 0 0 1 2 2v16H7a2 2 0 0 1-2-2zM9 8h6M9 12h6M9 16h4", open: (c) => c.shop && c.roles.some((r) => STAFF.includes(r)) },
  { id: "dashboard", module: dashboard, icon: "M4 20V10M10 20V4M16 20v-7M22 20H2", open: (c) => c.shop && c.roles.some((r) => STAFF.includes(r)) },
];

const view = document.getElementById("view");
let context = null; // of api.capabilities
let end = null;     // of the section that is shown

// ---- language

function translate() {
  document.documentElement.lang = language() === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", t(element.dataset.label));
  for (const lang of ["zh", "en"]) document.getElementById("lang-" + lang).setAttribute("aria-pressed", String(language() === lang));
  document.getElementById("key-state").textContent = t(api.key() ? "key_set" : "key");
}

for (const lang of ["zh", "en"])
  document.getElementById("lang-" + lang).addEventListener("click", () => {
    setLanguage(lang);
    translate();
    show(false);
  });

// ---- key

const dialog = document.getElementById("key-dialog"), input = document.getElementById("key-input");
const keyError = document.getElementById("key-error");

function openKey(message) {
  keyError.hidden = !message;
  keyError.textContent = message || "";
  input.value = "";
  if (!dialog.open) dialog.showModal();
  input.focus();
}

document.getElementById("key-button").addEventListener("click", () => openKey(""));
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
document.getElementById("key-forget").addEventListener("click", () => {
  api.setKey("");
  dialog.close();
  start();
});
document.getElementById("key-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  api.setKey(input.value.trim());
  if (await start()) dialog.close();
  else openKey(t(api.key() ? "key_bad" : "key_needed"));
});

// ---- sections

function icon(path) {
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("aria-hidden", "true");
  line.setAttribute("d", path);
  drawing.append(line);
  return drawing;
}

const shown = () => sections.filter((s) => context && s.open(context));
const wanted = () => shown().find((s) => "#" + s.id === location.hash) || shown()[0];

function showNavigation(now) {
  replace(document.getElementById("nav"), shown().map((s) => h("li", {},
    h("a", { href: "#" + s.id, "aria-current": s === now ? "page" : null }, icon(s.icon), h("span", { className: "long" }, t("nav_" + s.id)), h("span", { className: "short", "aria-hidden": "true" }, t("short_" + s.id))))));
}

// focus: to the heading, after a move to another section.
function show(focus) {
  if (end) end();
  end = null;
  const now = wanted();
  showNavigation(now);
  replace(view);
  if (!now) {
    const closed = !context;
    document.title = "llmcs";
    view.append(h("div", { className: "empty" }, h("h1", {}, t(closed ? "key_needed" : "nothing_here")),
      button(t("enter_key"), () => openKey(""), { className: "primary" })));
    return;
  }
  document.title = `${t("nav_" + now.id)} · llmcs`;
  const heading = h("h1", { tabIndex: -1 }, t("nav_" + now.id));
  view.append(h("div", { className: "heading" }, heading, h("p", { className: "muted" }, t(now.id + "_lead"))));
  end = now.module.mount(view, context) || null;
  if (focus) heading.focus();
}

addEventListener("hashchange", () => show(true));

// Asks what the key may do and shows it. False: the key is not known.
async function start() {
  try {
    context = await api.capabilities();
  } catch (error) {
    say(t("failed", error.message), true);
    context = { models: [], roles: [], customer: null, shop: false };
  }
  translate();
  show(false);
  return context !== null;
}

api.setUnauthorized(() => { if (!dialog.open) openKey(t("key_needed")); });
translate();
view.append(h("p", { className: "empty muted" }, t("loading")));
start();
