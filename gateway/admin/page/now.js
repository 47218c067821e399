// What counts at this moment: ready or not and why, and a few figures.

const draining = (status) => status.draining ?? (status.reasons ?? []).some((r) => r.includes("shutting down"));

function drawState(status, trouble) {
  const [word, look] = trouble ? ["Unknown", ""] : status.active ? ["Ready", "good"] : draining(status) ? ["Draining", "warn"] : ["Not ready", "bad"];
  const pill = byID("state");
  text(pill, word);
  attribute(pill, "class", "pill " + look);
  document.title = word === "Ready" ? "Postern" : `${word} – Postern`;
  text(byID("version"), status?.version ?? "");
  document.body.classList.toggle("old", Boolean(trouble && status));
}

let told = ""; // of the notices, to those who hear the page

// notices are what somebody should look at: {key, look, title, items, link}.
function drawNotices(status, trouble, reached) {
  const all = [];
  if (trouble) {
    const title = (trouble.answer ? `The gateway does not show its status (${trouble.answer}) since ` : "Cannot reach the gateway since ") + clock(trouble.since);
    all.push({ look: "bad", title, items: [status ? `Below is the old picture, of ${clock(reached)}. Trying again every few seconds.` : "Trying again every few seconds."] });
  } else {
    if (!status.active) all.push({ look: draining(status) ? "warn" : "bad", title: "Not ready for requests", items: status.reasons ?? [] });
    if (status.reload?.success === false) all.push({ look: "bad", title: "The last configuration was refused; the one before it serves", items: status.reload.report ?? [], link: true });
    for (const s of status.auth_servers ?? []) if (!s.usable) all.push({ look: "bad", title: `No usable keys of ${s.name}`, items: s.last_error ? [s.last_error] : [] });
    const store = status.store;
    if (store && store.state !== "up") all.push({ look: "warn", title: `The store that copies share is ${store.state}`, items: store.last_error ? [store.last_error] : [] });
  }
  each(byID("notices"), all, (n) => JSON.stringify(n), (n) => {
    const items = n.items.slice(0, 3).map((i) => el("li", {}, el("code", {}, i)));
    if (trouble) items.splice(0, 1, el("li", {}, n.items[0]));
    if (n.link) items.push(el("li", {}, el("a", { href: "#h-reload" }, "The whole report")));
    return { node: el(`div.notice.${n.look}`, {}, el("b", {}, n.title), el("ul", {}, ...items)), show() {} };
  });
  const heard = all.map((n) => n.title).join(". ") || "Ready";
  if (heard !== told) announce(told = heard);
}

function drawNow(status) {
  const recent = lately(everything), rates = recent?.rates ?? {};
  pairs(byID("now"), {
    "Requests": perSecond(recent?.rate), "Answered 5xx": (node) => { text(node, perSecond(rates["5xx"])); attribute(node, "class", rates["5xx"] > 0 ? "bad" : null); }, "Latency p99": latency(recent?.p99), "Upstream p99": latency(recent?.up99),
    "In flight": number(status.in_flight), "Connections": number(status.connections),
    "Uptime": (node) => { text(node, span(wall(readings.at(-1).at) - Date.parse(status.started))); node.title = "since " + exact(Date.parse(status.started)); },
    "Generation": number(status.reload?.generation),
    ...status.store && { "Store": (node) => { text(node, status.store.state); node.title = `${status.store.address}, since ${exact(Date.parse(status.store.since))}`; } },
  });
}
