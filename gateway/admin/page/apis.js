// The APIs, a page of them at a time, however many there are.

const page = 50;
let limit = page;

function drawAPIs(status) {
  const wanted = byID("search").value.trim().toLowerCase(), order = byID("order").value;
  let all = (status.apis ?? []).map((a) => ({ ...a, id: `${a.name}/${a.version}` }));
  const total = all.length;
  if (wanted) all = all.filter((a) => wanted.split(/\s+/).every((word) => searchable(a).includes(word)));
  if (order === "name") all.sort((a, b) => (a.id < b.id ? -1 : 1));
  else if (order) sortBy(all, order);
  text(byID("found"), wanted ? `${number(all.length)} of ${number(total)}` : count(total, "API", "APIs"));
  each(byID("apis"), all.slice(0, limit), (a) => a.id, row);
  const more = byID("more");
  show(more, all.length > limit);
  text(more, `Show ${number(Math.min(page, all.length - limit))} more of ${number(all.length - limit)}`);
}

const searchable = (a) => [a.id, a.base_path, ...(a.hosts ?? []), ...(a.upstream ?? []), ...(a.policies ?? [])].join(" ").toLowerCase();

function sortBy(all, order) {
  const value = { rate: (p) => p.rate, failures: (p) => p.rates["5xx"], p99: (p) => p.p99 ?? 0 }[order];
  const values = new Map(all.map((a) => { const p = lately(a.id); return [a.id, p ? value(p) : 0]; }));
  all.sort((a, b) => values.get(b.id) - values.get(a.id));
}

// How a target stands, unless all is well with it. Its address is said already.
function standing(t) {
  if (!t) return "";
  const said = [];
  const until = t.until ? ` until ${clock(Date.parse(t.until))}` : "";
  if (t.state !== "healthy") said.push(t.state + until + (t.why ? `: ${t.why.replace(/^connect to \S+: /, "")}` : ""));
  if (t.circuit && t.circuit !== "closed") said.push(`circuit ${t.circuit}`);
  return said.join(", ");
}

function target() {
  const url = el("div.mono"), note = el("p.bad");
  return { node: el("div", {}, url, note), show(t) {
    text(url, t.url);
    text(note, t.note);
    show(note, t.note !== "");
  } };
}

// targets are those of the API itself, then those that rules route to.
function targets(a) {
  const own = (a.upstream ?? []).map((url, n) => ({ url, note: standing(a.targets?.[n]) }));
  return own.concat((a.targets ?? []).slice(own.length).map((t) => ({ url: `${t.rule}: ${t.url}`, note: standing(t) })));
}

function row(api) {
  const title = el("h3"), where = el("p.mono"), to = el("div.to"), policies = el("div");
  const figures = ["Requests", "5xx", "p99"].map((name) => {
    const value = el("span");
    return { value, node: el("div.figure", {}, el("span.label", {}, name + " "), value) };
  });
  const node = el("li.api", {}, el("div", {}, title, where), to, policies, ...figures.map((f) => f.node));
  return { node, show(a) {
    text(title, `${a.name} ${a.version}`);
    text(where, (a.hosts ?? []).join(", ") + ((a.hosts ?? []).length ? " " : "") + a.base_path);
    each(to, targets(a), (t) => t.url, target);
    each(policies, (a.policies ?? []).length ? a.policies : [""], (p) => p, (p) => ({ node: p ? el("span.chip", {}, p) : el("span.quiet", {}, "no policy"), show() {} }));
    const p = lately(a.id);
    text(figures[0].value, perSecond(p?.rate));
    text(figures[1].value, perSecond(p?.rates["5xx"]));
    attribute(figures[1].value, "class", p?.rates["5xx"] > 0 ? "bad" : null);
    text(figures[2].value, latency(p?.p99));
  } };
}
