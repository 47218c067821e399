// The configuration at work, and what became of the last attempts to change it.

const parts = { head: el("div.row"), facts: el("dl.pairs"), report: el("div"), failure: el("div"), warnings: el("div"), files: el("div") };
const outcome = el("span.pill");
parts.head.append(outcome);
byID("reload").append(...Object.values(parts));

function drawReload(status) {
  const r = status.reload ?? {}, failure = r.last_failure, refused = r.success === false;
  text(outcome, refused ? "Last attempt refused" : "Last attempt succeeded");
  attribute(outcome, "class", "pill " + (refused ? "bad" : "good"));
  const facts = {
    "Last attempt": (n) => when(n, r.when, "at the start"),
    "Running": `generation ${number(r.generation)}`, "Since": (n) => when(n, r.since ?? r.last_success, "the start"), "Hash": (n) => { attribute(n, "class", "mono"); text(n, r.hash || "–"); },
    "Attempts": `${number(r.applied)} applied, ${number(r.refused)} refused`,
  };
  pairs(parts.facts, facts);
  section(parts.report, refused ? ["Why it was refused", r.report] : null, false);
  section(parts.failure, !refused && failure ? ["An earlier attempt was refused", failure.report, failure.when] : null, true);
  section(parts.warnings, r.warnings?.length ? ["Warnings", r.warnings] : null, false);
  section(parts.files, r.files?.length ? [`Files watched (${r.files.length})`, r.files] : null, true);
}

// section shows lines of a report under a title, folded or not.
function section(parent, content, folded) {
  const [title, report, at] = content ?? [];
  each(parent, content ? [0] : [], () => JSON.stringify(content), () => {
    const list = el("ol.report.mono", { role: "list" }, ...(report ?? []).map(fault)), time = el("span.quiet");
    const head = [title, " ", time];
    const node = folded ? el("details", {}, el("summary", {}, ...head), list) : el("div", {}, el("h3", {}, ...head), list);
    return { node, show() { if (at) when(time, at); } };
  });
}

// fault makes the place of a fault stand out: file:line:column.
function fault(line) {
  const [, where, rest] = /^(.+?:\d+(?::\d+)?:) (.*)$/s.exec(line) ?? [, "", line];
  return el("li", {}, ...(where ? [el("span.where", {}, where), " "] : []), rest);
}
