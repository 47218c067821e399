// The status is fetched over and over, and drawn; while nobody looks, it is not.

const base = document.querySelector("meta[name=admin-path]").content.replace(/\/$/, "");
const often = 3000, patience = 10000;
let status = null; // the last one there was
let reached = 0; // when, by this clock
let trouble = null; // since when there is none, and why
let timer = 0, asking = false, again = false, paused = false;

const wall = (at) => Date.now() + skew - (performance.now() - at); // of a reading

async function poll() {
  if (asking) { again = true; return; }
  clearTimeout(timer);
  asking = true;
  const got = await read();
  asking = false;
  if (again) { again = false; poll(); } else schedule(readings.length < 2 ? 1000 : often);
  if (got.status) {
    [status, reached, trouble] = [got.status, Date.now(), null];
    remember(status, performance.now());
  } else {
    trouble = { since: trouble?.since ?? Date.now(), answer: got.answer };
  }
  redraw();
}

// read returns {status}, or {answer} with what came in its place.
async function read() {
  try {
    const answer = await fetch(`${base}/status`, { cache: "no-store", redirect: "error", signal: AbortSignal.timeout(patience) });
    if (!answer.ok) return { answer: answer.status };
    const sent = Date.parse(answer.headers.get("Date") ?? "");
    if (Math.abs(sent - Date.now() - skew) > 2000) skew = sent - Date.now();
    return { status: await answer.json() };
  } catch {
    return {};
  }
}

function schedule(after) {
  clearTimeout(timer);
  if (!paused && !document.hidden) timer = setTimeout(poll, after);
}

function redraw() {
  drawState(status, trouble);
  drawNotices(status, trouble, reached);
  drawUpdated();
  if (!status) return;
  offerScopes(status);
  for (const draw of [drawNow, drawTraffic, drawServers, drawAPIs, drawReload]) draw(status);
}

function drawUpdated() {
  text(byID("updated"), reached ? `${trouble ? "old, " : paused ? "paused, " : ""}as of ${clock(reached)}` : "");
}

byID("pause").addEventListener("click", () => {
  paused = !paused;
  text(byID("pause"), paused ? "Resume updates" : "Pause updates");
  drawUpdated();
  if (paused) clearTimeout(timer); else poll();
});
document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : paused || poll()));
byID("search").addEventListener("input", () => { limit = page; if (status) drawAPIs(status); });
byID("order").addEventListener("change", () => { limit = page; if (status) drawAPIs(status); });
byID("more").addEventListener("click", () => { limit += page; drawAPIs(status); });
byID("scope").addEventListener("change", () => { if (status) drawTraffic(status); });
byID("readings").parentElement.addEventListener("toggle", () => { if (status) drawTraffic(status); });
for (const link of document.querySelectorAll("[data-below]")) link.href = base + link.dataset.below;
setInterval(age, 1000);
poll();
