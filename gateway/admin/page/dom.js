// Names, reports and errors are text of strangers: all of it goes into the
// page as textContent, nothing as HTML.

const byID = (id) => document.getElementById(id);
const drawn = new Set(["svg", "path", "rect", "line"]);

// el makes an element, as in el("p.quiet", {title: "x"}, "text", child).
function el(kind, attributes = {}, ...children) {
  const [tag, ...classes] = kind.split(".");
  const node = drawn.has(tag) ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  if (classes.length) node.setAttribute("class", classes.join(" "));
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// text and attribute leave alone what is already right: a selection and the
// focus survive the refresh.
function text(node, value) {
  value = String(value);
  if (node.textContent !== value) node.textContent = value;
  return node;
}

function attribute(node, name, value) {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

const show = (node, shown) => { if (node.hidden === shown) node.hidden = !shown; };

// each keeps one child of parent for every item: made once, shown every time,
// removed when its item is gone. make returns {node, show(item)}.
function each(parent, items, keyOf, make) {
  const before = parent.kept ?? new Map(), kept = new Map();
  for (const item of items) {
    let key = String(keyOf(item));
    while (kept.has(key)) key += "'";
    kept.set(key, before.get(key) ?? make(item));
    kept.get(key).show(item);
  }
  for (const [key, one] of before) if (!kept.has(key)) one.node.remove();
  let at = parent.firstElementChild;
  for (const { node } of kept.values()) {
    if (node === at) at = at.nextElementSibling;
    else parent.insertBefore(node, at);
  }
  parent.kept = kept;
}

// lines keeps a plain child per text.
function lines(parent, texts, make) {
  each(parent, texts, (t) => t, (t) => ({ node: make(t), show() {} }));
}

// announce tells those who do not see the page what has changed.
const announce = (message) => text(byID("live"), message);
