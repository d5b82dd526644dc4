// The limits in force beside a number: upper above lower, or a crossed bell where all are off.

import { unit } from "./format.js";

const BELL_OFF = '<svg viewBox="0 0 24 24"><path d="M6 17h12l-1.6-2.5V10a4.4 4.4 0 0 0-8.8 0v4.5zM10.5 20h3M4 3l16 18"/></svg>';

// The numbers of a vital that may have limits, as the hub names them; none of a state.
function numbers(name, vital) {
  if (vital.kind === "numeric") return [name];
  if (vital.kind !== "composite") return [];
  return Object.keys(vital.components).map((part) => `${name}.${part}`);
}

function written(vital, limit) {
  return limit === undefined ? "–" : limit.toFixed(vital.decimals);
}

function span(vital, low, high) {
  if (high === undefined) return `low ${written(vital, low)}`;
  if (low === undefined) return `high ${written(vital, high)}`;
  return `${written(vital, low)}–${written(vital, high)}`;
}

// What is known of a vital's limits: null where nothing is, else upper and lower of its
// numbers, those without any left out. The one that a value meets first stands for its side.
export function limitsOf(name, vital, inForce) {
  const wanted = numbers(name, vital);
  if (!inForce || !wanted.length) return null;
  const sides = wanted.map((number) => {
    const limits = inForce.limits[number] ?? {};
    return { number, high: limits.high ?? limits.critical_high, low: limits.low ?? limits.critical_low, limits };
  }).filter(({ high, low }) => high !== undefined || low !== undefined);
  return {
    isOff: !sides.length,
    isOwn: sides.some(({ number }) => inForce.of_patient?.includes(number)),
    high: sides.map(({ high }) => written(vital, high)).join(" / "),
    low: sides.map(({ low }) => written(vital, low)).join(" / "),
    spans: sides.map(({ low, high }) => span(vital, low, high)),
    words: words(name, vital, sides, inForce),
  };
}

function words(name, vital, sides, inForce) {
  if (!sides.length) return `${vital.name}: alarm limits off`;
  const each = sides.map(({ number, limits }) => {
    const [, part] = number.split(".");
    const given = ["critical_high", "high", "low", "critical_low"]
      .filter((side) => limits[side] !== undefined)
      .map((side) => `${side.replace("_", " ")} ${written(vital, limits[side])}`);
    return `${part ? `${part}: ` : ""}${given.join(", ")}`;
  });
  const own = sides.some(({ number }) => inForce.of_patient?.includes(number)) ? ", set for this patient" : "";
  const sleep = inForce.sleep === "unknown" ? "sleep unknown" : inForce.sleep;
  return `${vital.name} limits (${unit(vital)}): ${each.join("; ")} (${sleep}${own})`;
}

// Write them into a node; `lines` has two spans, or one for a line of text.
export function showLimits(node, found, isLine) {
  const key = found ? JSON.stringify(found) : "";
  if (node.limitsKey === key) return;
  node.limitsKey = key;
  node.replaceChildren();
  node.title = found?.words ?? "";
  node.classList.toggle("own", Boolean(found?.isOwn));
  node.classList.toggle("off", Boolean(found?.isOff));
  if (!found) return;
  if (found.isOff) {
    node.innerHTML = BELL_OFF;
    node.role = "img";
    node.ariaLabel = found.words;
    return;
  }
  node.removeAttribute("role");
  node.removeAttribute("aria-label");
  for (const line of isLine ? [found.spans.join("  ")] : [found.high, found.low]) {
    const span = document.createElement("span");
    span.textContent = line;
    node.append(span);
  }
}
