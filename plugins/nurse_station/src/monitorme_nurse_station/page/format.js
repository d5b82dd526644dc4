// How values, ages and alarms are written for people.

export const MARK = { high: "***", medium: "**", low: "*" };
export const RANK = { high: 0, medium: 1, low: 2 };
const REASONS = {
  lead_off: "lead off", probe_off: "probe off", no_signal: "no signal",
  out_of_range: "impossible", demo: "demo", not_sent: "nothing sent",
  gone_at_device: "lost at the device", never_came: "never came",
  journal_damaged: "record damaged",
};

export function text(vital, shown, { brief = false } = {}) {
  if (shown === undefined) return "…";
  const value = shown.v;
  if (value === null || value === undefined) return "---";
  if (typeof value === "number") return value.toFixed(vital.decimals);
  if (typeof value === "object") {
    const parts = Object.keys(vital.components)
      .map((name) => (name in value ? value[name].toFixed(vital.decimals) : "?"));
    if (brief) return parts.slice(0, 2).join("/");
    return parts.length === 3 ? `${parts[0]}/${parts[1]} (${parts[2]})` : parts.join("/");
  }
  return value;
}

export function reason(shown) {
  if (shown === undefined || shown.v !== null || !shown.r) return "";
  return why(shown.r);
}

export function why(name) {
  return REASONS[name] ?? name.replaceAll("_", " ");
}

export function age(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

export function unit(vital) {
  return { "Cel": "°C", "mm[Hg]": "mmHg" }[vital.unit] ?? vital.unit;
}

export function bedName(bed) {
  return bed.replace(/^bed-/, "Bed ");
}

export function hour(milliseconds) {
  return clock(milliseconds).slice(0, 5);
}

export function clock(milliseconds) {
  return new Date(milliseconds).toLocaleTimeString("en-GB");
}

// Its condition is over: it was seen (resolved), or somebody has to see that it was (latched).
export function isOver(alarm) {
  return alarm.state === "resolved" || alarm.state === "latched";
}

// Worst first, the newest of equal priority first; what has ended comes last.
export function byUrgency(one, other) {
  const ended = (alarm) => (alarm.state === "resolved" ? 2 : Number(isOver(alarm)));
  const technical = (alarm) => (alarm.kind === "technical" ? 1 : 0);
  return ended(one) - ended(other)
    || RANK[one.priority] - RANK[other.priority]
    || technical(one) - technical(other)
    || other.raised_ms - one.raised_ms;
}
