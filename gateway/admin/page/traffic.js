// How much passes, how fast, and what is refused.

const byClass = (c, label) => ({ label, look: "c-" + c, of: (p) => p.rates[c] });
const charts = {
  requests: chart("Requests a second", [byClass("2xx", "2xx"), byClass("3xx", "3xx"), byClass("4xx", "4xx"), byClass("5xx", "5xx"), byClass("1xx", "1xx"), byClass("none", "no answer")], { write: perSecond, axis: perSecond, stacked: true }),
  latency: chart("Latency, to the last byte", [{ label: "p50", look: "c-3xx.dash", of: (p) => p.p50 }, { label: "p99", look: "c-2xx", of: (p) => p.p99 }], { write: latency, axis: seconds }),
  upstream: chart("Latency of upstreams", [{ label: "p50", look: "c-3xx.dash", of: (p) => p.up50 }, { label: "p99", look: "c-2xx", of: (p) => p.up99 }], { write: latency, axis: seconds }),
};
const ours = /^(upstream|internal|overloaded|keys|not_implemented|version)/; // problems with a status of 5xx
const counts = {
  problems: bars("Problems told to callers", "None since the start.", (code) => (ours.test(code) ? "c-5xx" : "c-4xx")),
  tokens: bars("Tokens", "None judged since the start.", (name) => (name === "accepted" ? "c-2xx" : "c-4xx")),
};
const cache = el("dl.pairs");
const cacheCard = el("figure.card", {}, el("figcaption", {}, "Cache of verified tokens"), cache);
byID("charts").append(...Object.values(charts).map((c) => c.node), counts.problems.node, counts.tokens.node, cacheCard);

// pairs keeps a list of terms and what they are; of makes {term: node or text}.
function pairs(list, all) {
  each(list, Object.entries(all), ([term]) => term, ([term]) => {
    const value = el("dd"), node = el("div", {}, el("dt", {}, term), value);
    return { node, show: ([, v]) => (typeof v === "function" ? v(value) : text(value, v)) };
  });
}

function drawTraffic(status) {
  const scope = byID("scope").value, points = series(scope);
  for (const one of Object.values(charts)) one.show(points);
  for (const [kind, one] of Object.entries(counts)) one.show(gained(kind));
  const first = readings[0], last = readings.at(-1);
  text(byID("span"), points.length ? `the last ${span(last.at - first.at)}, kept by this page` : "the second reading makes the first rates");
  const c = status.traffic?.cache ?? {};
  pairs(cache, { "Hits": `${percent(c.hits, c.hits + c.misses)} of ${number((c.hits ?? 0) + (c.misses ?? 0))}`, "Entries": number(c.entries), "Size": bytes(c.bytes) });
  drawReadings(points.slice(-10).reverse());
}

// drawReadings is the charts for those who would rather read.
function drawReadings(points) {
  const row = (cell, values) => el("tr", {}, ...values.map((v, i) => el(cell, i && cell === "td" ? {} : { scope: cell === "th" ? "col" : "row" }, v)));
  if (!byID("readings").parentElement.open) return;
  const head = el("thead", {}, row("th", ["At", ...classes.map((c) => c + "/s"), "p50", "p99", "upstream p50", "upstream p99"]));
  const body = el("tbody", {}, ...points.map((p) => {
    const values = [...classes.map((c) => number(p.rates[c])), ...[p.p50, p.p99, p.up50, p.up99].map(latency)];
    return el("tr", {}, el("th", { scope: "row" }, clock(wall(p.at))), ...values.map((v) => el("td", {}, v)));
  }));
  byID("readings").replaceChildren(el("table", {}, head, body));
}

// offerScopes lists the APIs that have answered something.
function offerScopes(status) {
  const select = byID("scope"), names = (status.traffic?.apis ?? []).map((a) => a.name).sort();
  lines(select, [everything, ...names], (name) => el("option", { value: name }, name === everything ? "All" : name || "none took it"));
}
