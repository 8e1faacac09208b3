// Builds elements. Data becomes text nodes and attributes, never markup.

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && !name.includes("-") && !(element instanceof SVGElement)) element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((c) => c !== undefined && c !== null && c !== false));
  return element;
}

export function h(tag, properties, ...children) {
  return fill(document.createElement(tag), properties, children);
}

export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

export function replace(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((c) => c !== undefined && c !== null && c !== false));
}

let numbers = 0;

// A label with its control; the control gets an id. hint: a line below, which describes the control.
export function field(label, control, hint) {
  if (!control.id) control.id = "field-" + ++numbers;
  const parts = [h("label", { htmlFor: control.id }, label), control];
  if (hint) {
    const line = h("span", { className: "hint", id: control.id + "-hint" }, hint);
    control.setAttribute("aria-describedby", line.id);
    parts.push(line);
  }
  return h("div", { className: "field" }, parts);
}

export function button(label, onclick, properties) {
  return h("button", { type: "button", onclick, ...properties }, label);
}

// Says something in the live region; errors stay until the next one.
let timer = 0;
export function say(text, isError) {
  const box = document.getElementById("notice");
  clearTimeout(timer);
  box.className = isError ? "shown error" : "shown";
  box.textContent = text;
  timer = setTimeout(() => { box.className = ""; box.textContent = ""; }, isError ? 9000 : 3500);
}

// Asks before something is lost. Resolves to true for yes.
export function confirm(question, no, yes) {
  return new Promise((done) => {
    const box = h("dialog", { "aria-labelledby": "confirm-question", onclose: () => { box.remove(); done(box.returnValue === "yes"); } },
      h("form", { method: "dialog" }, h("p", { id: "confirm-question" }, question),
        h("div", { className: "row end" }, h("button", { value: "no" }, no), h("button", { value: "yes", className: "danger" }, yes))));
    document.body.append(box);
    box.showModal();
  });
}

// Keeps the end of a list in sight, unless the reader has scrolled up.
export function follow(list, change) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  change();
  if (atEnd) list.scrollTop = list.scrollHeight;
}

// Enter sends, Shift+Enter begins a line; not while an input method composes.
export function sendOnEnter(textarea, send) {
  textarea.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });
}
