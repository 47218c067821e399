// Counters only grow; what is shown is how fast, between two readings.

const classes = ["2xx", "3xx", "4xx", "5xx", "1xx", "none"];
const kept = 120; // readings: some minutes
const everything = "*"; // in place of an API's name, which has a slash; "" is what no API took
let readings = []; // {at, problems, tokens, apis: Map of name to counters}, oldest first

// reading takes from a status what is counted. at is in ms and never jumps.
function reading(status, at) {
  const traffic = status.traffic ?? {}, before = readings.at(-1)?.apis;
  const apis = new Map((traffic.apis ?? []).map((a) => [a.name, unchanged(before?.get(a.name), a) ?? a]));
  apis.set(everything, sum(apis.values()));
  return { at, started: status.started, apis, problems: traffic.problems ?? {}, tokens: traffic.tokens ?? {} };
}

// unchanged is the former counters of an API, if nothing has happened since:
// the many that rest are kept once.
function unchanged(was, is) {
  return was && classes.every((c) => was.requests?.[c] === is.requests?.[c]) ? was : undefined;
}

// remember starts anew when the process is another one.
function remember(status, at) {
  const next = reading(status, at), last = readings.at(-1);
  if (last && last.started !== next.started) readings = [];
  readings = [...readings, next].slice(-kept);
}

function sum(all) {
  const total = { requests: {}, duration: undefined, upstream: undefined };
  for (const one of all) {
    for (const c of classes) total.requests[c] = (total.requests[c] ?? 0) + (one.requests?.[c] ?? 0);
    total.duration = together(total.duration, one.duration);
    total.upstream = together(total.upstream, one.upstream);
  }
  return total;
}

function together(a, b) {
  if (!a || !b) return a ?? b;
  return { le: a.le, counts: a.counts.map((n, i) => n + (b.counts[i] ?? 0)) };
}

// more is what a counter has gained; one that fell has begun anew.
const more = (b, a) => (b ?? 0) - ((b ?? 0) < (a ?? 0) ? 0 : a ?? 0);

// point is what happened between two readings to an API.
function point(a, b, name) {
  const from = a.apis.get(name) ?? {}, to = b.apis.get(name) ?? {}, s = (b.at - a.at) / 1000, rates = {};
  for (const c of classes) rates[c] = more(to.requests?.[c], from.requests?.[c]) / s;
  return {
    at: b.at, rates, rate: classes.reduce((all, c) => all + rates[c], 0),
    p50: quantile(0.5, from.duration, to.duration), p99: quantile(0.99, from.duration, to.duration),
    up50: quantile(0.5, from.upstream, to.upstream), up99: quantile(0.99, from.upstream, to.upstream),
  };
}

const series = (name) => readings.slice(1).map((b, i) => point(readings[i], b, name));

// lately is what an API did in the last half minute; null when that is unknown.
function lately(name) {
  const last = readings.at(-1);
  if (readings.length < 2) return null;
  const from = readings.findLast((r) => last.at - r.at >= 30000) ?? readings[0];
  return point(from, last, name);
}

// gained says how many of each kind there were since the first reading that is kept.
function gained(kind) {
  const first = readings[0]?.[kind] ?? {}, last = readings.at(-1)?.[kind] ?? {};
  return Object.keys(last).map((name) => ({ name, total: last[name], lately: more(last[name], first[name]) }))
    .filter((one) => one.total > 0).sort((a, b) => b.lately - a.lately || b.total - a.total || (a.name < b.name ? -1 : 1));
}

// quantile estimates, as Prometheus does, from what two histograms differ by;
// null when there was nothing.
function quantile(q, from, to) {
  if (!to?.counts) return null;
  const counts = to.counts.map((n, i) => more(n, from?.counts?.[i]));
  let rank = q * counts.reduce((a, b) => a + b, 0);
  if (rank === 0) return null;
  for (const [i, n] of counts.entries()) {
    if (rank > n) { rank -= n; continue; }
    const low = i ? to.le[i - 1] : 0;
    return i < to.le.length ? low + (to.le[i] - low) * rank / n : low;
  }
  return to.le.at(-1);
}
