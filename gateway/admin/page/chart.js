// Charts: lines and stacked areas over time, bars of counts. What a chart
// shows stands beside it in words.

const wide = 600, high = 100;

// ceiling is a round number not below n.
function ceiling(n) {
  if (!(n > 0)) return 1;
  const unit = 10 ** Math.floor(Math.log10(n));
  return [1, 2, 5, 10].find((step) => step * unit >= n * 0.999) * unit;
}

// chart makes a figure; parts are {label, look, of(point)}; write makes words
// of a value, and axis of a mark. With stacked the parts add up.
function chart(title, parts, { write, axis, stacked }) {
  const plot = el("svg", { viewBox: `0 0 ${wide} ${high}`, preserveAspectRatio: "none", role: "img" });
  const marks = [0, 50, 100].map((y) => el("line.grid", { x1: 0, x2: wide, y1: y, y2: y }));
  const paths = parts.map((p) => el(`path.${stacked ? "area" : "line"}.${p.look}`));
  plot.append(...marks, ...paths);
  const y = [0, 1, 2].map(() => el("span")), from = el("span"), key = el("ul.key", { role: "list" });
  const values = parts.map((p) => {
    const value = el("b"), swatch = el("svg." + p.look, { "aria-hidden": "true", viewBox: "0 0 16 8" });
    swatch.append(stacked ? el("rect", { width: 16, height: 8, rx: 2 }) : el("path.line." + p.look, { d: "M1 4H15" }));
    key.append(el("li", {}, swatch, p.label, value));
    return value;
  });
  const node = el("figure.card", {}, el("figcaption", {}, title),
    el("div.plot", {}, el("div.y", { "aria-hidden": "true" }, ...y), plot, el("div.x", { "aria-hidden": "true" }, from, el("span", {}, "now"))), key);
  return {
    node,
    show(points) {
      const rows = points.map((p) => heights(parts.map((part) => part.of(p)), stacked));
      const top = ceiling(Math.max(0, ...rows.flat().map((r) => r.to ?? 0)));
      const end = points.at(-1)?.at ?? 0, begin = Math.min(points[0]?.at ?? 0, end - 30000);
      const x = (p) => round(wide * (p.at - begin) / (end - begin || 1)), scale = (v) => round(high - high * v / top);
      paths.forEach((path, i) => attribute(path, "d", (stacked ? area : line)(points, rows.map((r) => r[i]), x, scale)));
      y.forEach((mark, i) => text(mark, axis(top * (2 - i) / 2)));
      text(from, points.length ? `${span(end - begin)} ago` : "");
      parts.forEach((part, i) => text(values[i], points.length ? write(part.of(points.at(-1))) : "–"));
      attribute(plot, "aria-label", inWords(title, parts, points, write));
    },
  };
}

const round = (n) => Math.round(n * 10) / 10;

// heights are the lower and upper ends of each part at one time.
function heights(values, stacked) {
  let below = 0;
  return values.map((v) => {
    const from = stacked ? below : 0;
    if (stacked) below += v;
    return { from, to: v === null ? null : from + v };
  });
}

function line(points, ends, x, scale) {
  let d = "", pen = "M";
  points.forEach((p, i) => {
    if (ends[i].to === null) { pen = "M"; return; }
    // A line of no length makes a reading without neighbours a dot.
    d += `${pen}${x(p)} ${scale(ends[i].to)}${pen === "M" ? "h0" : ""}`;
    pen = "L";
  });
  return d;
}

function area(points, ends, x, scale) {
  if (points.length < 2 || ends.every((e) => e.to === e.from)) return "";
  const upper = points.map((p, i) => `${x(p)} ${scale(ends[i].to)}`);
  const lower = points.map((p, i) => `${x(p)} ${scale(ends[i].from)}`).reverse();
  return `M${upper.join("L")}L${lower.join("L")}Z`;
}

function inWords(title, parts, points, write) {
  if (!points.length) return `${title}: no two readings yet`;
  return `${title} over ${span(points.at(-1).at - points[0].at)}. ` + parts.map((part) => {
    const values = points.map(part.of).filter((v) => v !== null);
    return values.length ? `${part.label}: now ${write(part.of(points.at(-1)))}, highest ${write(Math.max(...values))}` : `${part.label}: nothing`;
  }).join("; ") + ".";
}

// bars makes a figure of counts {name, lately, total}; look names their colour.
function bars(title, nothing, look) {
  const list = el("ul.bars", { role: "list" }), none = el("p.quiet", {}, nothing);
  const node = el("figure.card", {}, el("figcaption", {}, title, " ", el("span.quiet", {}, "lately, of all")), none, list);
  return {
    node,
    show(counts) {
      show(none, !counts.length);
      const most = Math.max(1, ...counts.map((c) => c.lately));
      const shares = counts.map((c) => ({ ...c, width: round(100 * c.lately / most) + "%" }));
      each(list, shares, (c) => c.name, (c) => {
        const figure = el("span"), bar = el("rect." + look(c.name), { height: "100%", rx: 2 });
        const one = el("li", {}, el("code", {}, c.name), figure, el("svg", { "aria-hidden": "true" }, el("rect.rail", { width: "100%", height: "100%", rx: 2 }), bar));
        return { node: one, show(c) {
          figure.replaceChildren(el("b", {}, number(c.lately)), ` of ${number(c.total)}`);
          attribute(bar, "width", c.width);
        } };
      });
    },
  };
}
