// Auth servers: their keys, how old those are, and a button to fetch them now.

const outcomes = new Map(); // of refreshes, by name: {text, look, busy}

async function refresh(name) {
  if (outcomes.get(name)?.busy) return;
  outcomes.set(name, { text: "Fetching…", look: "quiet", busy: true });
  redraw();
  outcomes.set(name, await ask(name));
  announce(`${name}: ${outcomes.get(name).text}`);
  poll();
}

async function ask(name) {
  try {
    const answer = await fetch(`${base}/auth_servers/${encodeURIComponent(name)}/refresh`, { method: "POST", cache: "no-store", signal: AbortSignal.timeout(60000) });
    if (answer.ok) return { text: `Keys fetched at ${clock(Date.now())}`, look: "good" };
    const said = await answer.json().catch(() => ({}));
    return { text: said.error ?? said.detail ?? `The gateway answered ${answer.status}`, look: "bad" };
  } catch {
    return { text: "The gateway could not be reached", look: "bad" };
  }
}

function drawServers(status) {
  const all = status.auth_servers ?? [];
  each(byID("servers"), all.length ? all : [{ none: true }], (s) => s.none ? "" : "=" + s.name, (s) => s.none ? { node: el("p.card.quiet", {}, "No auth server is configured."), show() {} } : card(s));
}

function card(server) {
  const title = el("h3", {}, server.name), pill = el("span"), facts = el("dl.pairs"), keys = el("ul.keys", { role: "list" }), said = el("p.said");
  const button = el("button", { type: "button", "aria-label": `Refresh now: keys of ${server.name}` }, "Refresh now");
  button.addEventListener("click", () => refresh(server.name));
  const node = el("article.card.server", { "aria-label": "Auth server " + server.name }, el("div.row", {}, title, pill, button), said, facts, keys);
  return { node, show(s) {
    const outcome = outcomes.get(s.name);
    const [look, word] = !s.usable ? ["bad", "No usable keys"] : s.last_error ? ["warn", "Usable, the last fetch failed"] : ["good", "Usable"];
    attribute(pill, "class", "pill " + look);
    text(pill, word);
    show(button, /^https?:/.test(s.source ?? ""));
    attribute(button, "aria-disabled", outcome?.busy ? "true" : null);
    text(said, outcome?.text ?? "");
    attribute(said, "class", "said " + (outcome?.look ?? ""));
    pairs(facts, factsOf(s));
    drawKeys(keys, s);
  } };
}

function factsOf(s) {
  const facts = { "Issuer": s.issuer || "unchecked", "Source": s.source };
  if (s.required) facts["Required"] = "not ready without its keys";
  const remote = /^https?:/.test(s.source ?? "");
  facts["Fetched"] = (n) => when(n, s.fetched, remote ? "never" : "from a file");
  if (s.next_refresh) facts["Next refresh"] = (n) => when(n, s.next_refresh);
  if (remote) facts["Fetches"] = `${number(s.fetches)}, ${number(s.failures)} failed; ${count(s.unknown_kids, "unknown kid", "unknown kids")}`;
  if (s.last_failed) facts["Last failed"] = (n) => when(n, s.last_failed);
  if (s.last_error) facts["Last error"] = (n) => { attribute(n, "class", "bad mono"); text(n, s.last_error); };
  return facts;
}

function drawKeys(list, s) {
  const good = (s.keys ?? []).map((k) => ({ id: k.id, what: (k.algorithms ?? []).join(" ") || "no allowed algorithm", since: k.since ?? k.first_seen }));
  const skipped = (s.skipped ?? []).map((k) => ({ id: k.id, what: "skipped: " + k.reason, look: "warn" }));
  each(list, [...good, ...skipped], (k) => JSON.stringify([k.id, k.what]), (k) => ({
    node: el("li", {}, el("code", {}, k.id || "(no kid)"), el("span." + (k.look ?? "quiet"), {}, k.what)), show() {},
  }));
  show(list, good.length + skipped.length > 0);
}
