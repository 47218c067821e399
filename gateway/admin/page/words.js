// How numbers and times are written.

let skew = 0; // of the gateway's clock against the browser's, ms
const now = () => Date.now() + skew;

function number(n) {
  if (n === null || n === undefined || Number.isNaN(n)) return "–";
  const digits = n === 0 || Math.abs(n) >= 100 || Number.isInteger(n) ? 0 : Math.abs(n) >= 10 ? 1 : 2;
  return n.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

const perSecond = (n) => (n > 0 ? (n < 0.005 ? "<0.01" : number(n)) + "/s" : number(n));

function seconds(s) {
  if (!s) return number(s);
  return s < 1 ? Number((s * 1000).toPrecision(2)) + " ms" : Number(s.toPrecision(2)) + " s";
}

// latency is an estimate; inside the first bucket, of a millisecond, it means nothing.
const latency = (s) => (s && s < 0.001 ? "<1 ms" : seconds(s));

function bytes(n) {
  if (n === null || n === undefined) return "–";
  let unit = 0;
  for (; n >= 1024 && unit < 3; unit++) n /= 1024;
  return Number(n.toPrecision(3)) + " " + ["B", "KiB", "MiB", "GiB"][unit];
}

const percent = (part, whole) => (whole > 0 ? Number((100 * part / whole).toPrecision(3)) + " %" : "–");

function span(ms) {
  const s = Math.max(0, Math.round(ms / 1000)), m = Math.floor(s / 60), h = Math.floor(m / 60), d = Math.floor(h / 24);
  if (d > 1) return `${d} days`;
  if (h > 1) return `${h} h` + (h < 10 && m % 60 ? ` ${m % 60} min` : "");
  if (m > 1) return `${m} min`;
  return `${s} s`;
}

function relative(ms) {
  const away = ms - now();
  if (Math.abs(away) < 1500) return "just now";
  return away < 0 ? `${span(-away)} ago` : `in ${span(away)}`;
}

const exact = (ms) => new Date(ms).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "long" });
const clock = (ms) => new Date(ms).toLocaleTimeString("en-GB");
const count = (n, one, many) => `${number(n)} ${n === 1 ? one : many}`;

// when shows a time of the gateway's relative to now; never says what absence means.
function when(node, iso, never = "never") {
  const ms = Date.parse(iso ?? "");
  if (Number.isNaN(ms)) return node.replaceChildren(never);
  let time = node.querySelector("time");
  if (!time) node.replaceChildren(time = el("time"));
  if (time.dateTime !== iso) { time.dateTime = iso; time.title = exact(ms); }
  text(time, relative(ms));
}

// age lets the times that are shown go on.
function age() {
  for (const time of document.querySelectorAll("time")) text(time, relative(Date.parse(time.dateTime)));
}
