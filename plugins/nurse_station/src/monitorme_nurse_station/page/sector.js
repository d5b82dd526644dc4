// One bed in the grid: made once, then only what changes is written.

import { age, bedName, byUrgency, hour, isOver, MARK, reason, text, unit } from "./format.js";
import { limitsOf, showLimits } from "./limits.js";
import { Sweep } from "./sweep.js";

const ICONS = {
  awake: '<svg viewBox="0 0 24 24"><circle cx="12" cy="12" r="5"/><path d="M12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M19 5l-2 2M7 17l-2 2"/></svg>',
  asleep: '<svg viewBox="0 0 24 24"><path d="M20 14A8 8 0 1 1 10 4a6.5 6.5 0 0 0 10 10z"/></svg>',
  technical: '<svg viewBox="0 0 24 24"><path d="M14 7a4 4 0 0 1 5-4l-2.5 3 1.5 2 3-1a4 4 0 0 1-5 4l-8 9a2 2 0 0 1-3-3z"/></svg>',
  device: '<svg viewBox="0 0 24 24"><rect x="3" y="4" width="18" height="13" rx="2"/><path d="M8 21h8M4 3l16 16"/></svg>',
};

// Where a line of a sector is too short for the catalogue's label.
const SHORT = { blood_glucose: "Glu" };

export function tint(name) {
  const known = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);
  return known ? `var(--${name})` : "var(--other)";
}

export function colour(name) {
  const style = getComputedStyle(document.documentElement);
  return style.getPropertyValue(`--${name}`).trim() || style.getPropertyValue("--other").trim();
}

export function element(tag, className, parent) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  parent?.append(made);
  return made;
}

// Set text or class only where it differs: the page is never laid out for nothing.
export function write(node, content) {
  if (node.textContent !== content) node.textContent = content;
}

export function dress(node, className) {
  if (node.className !== className) node.className = className;
}

export function split(catalogue) {
  const names = Object.keys(catalogue);
  const steady = names.filter((n) => catalogue[n].kind === "numeric" && !catalogue[n].episodic);
  const big = steady.slice(0, 3);
  const waves = names.filter((n) => catalogue[n].kind === "waveform");
  // Sleep has its icon in the head of the sector.
  const small = names.filter((n) => !big.includes(n) && !waves.includes(n) && n !== "sleep_state");
  return { big, waves, small };
}

// The classes of a vital's number while an alarm of the patient is about it.
export function alarming(alarms, vital) {
  const alarm = alarms.find((one) => one.vital === vital
    && !isOver(one) && one.kind === "physiological");
  return alarm ? `alarming ${alarm.state} ${alarm.priority}` : "";
}

export class Sector {
  constructor(state, catalogue, parent, onOpen) {
    this.catalogue = catalogue;
    const { big, waves, small } = split(catalogue);
    this.node = element("article", "sector", parent);
    this.node.tabIndex = 0;
    this.node.dataset.bed = state.bed;
    this.node.onclick = () => onOpen(state.bed);
    const head = element("div", "head", this.node);
    write(element("span", "bed", head), bedName(state.bed));
    this.name = element("span", "name", head);
    this.icons = element("span", "icons", head);
    this.strip = element("div", "strip", this.node);
    this.stripText = element("span", "text", this.strip);
    this.stripMore = element("span", "more", this.strip);
    const body = element("div", "body", this.node);
    this.wave = element("div", "wave", body);
    const column = element("div", "big", body);
    this.numbers = new Map();
    for (const vital of big) this.numbers.set(vital, this.number(vital, column, true));
    const row = element("div", "small", this.node);
    for (const vital of small) this.numbers.set(vital, this.number(vital, row, false));
    this.waveName = waves[0];
    if (this.waveName) {
      this.sweep = new Sweep(element("canvas", "", this.wave), colour(this.waveName), { gain: 0.8 });
    }
  }

  number(vital, parent, isBig) {
    const box = element("div", isBig ? "number" : "item", parent);
    box.style.setProperty("--tint", tint(vital));
    box.dataset.vital = vital;
    const entry = this.catalogue[vital];
    box.title = `${entry.name} ${unit(entry)}`;
    const side = element("span", "side", box);
    write(element("span", "label", side), isBig ? entry.label : SHORT[vital] ?? entry.label);
    if (isBig) write(element("span", "unit", side), unit(entry));
    const ageNode = element("span", "age", isBig ? side : box);
    const limits = isBig ? element("span", "limits", box) : null;
    const value = element("span", "value", box);
    const bell = isBig ? null : element("span", "limits", box);
    return { box, value, age: ageNode, limits, bell, base: isBig ? "number" : "item" };
  }

  show(state, nowMs) {
    write(this.name, state.patient ? state.patient.name : "free");
    this.name.title = this.name.textContent;
    this.node.classList.toggle("free", !state.patient);
    const alarms = Object.values(state.alarms).sort(byUrgency);
    this.showStrip(alarms);
    for (const [vital, parts] of this.numbers) {
      this.showNumber(vital, parts, state.values[vital], alarms, nowMs);
      const limits = limitsOf(vital, this.catalogue[vital], state.limits);
      if (parts.limits) showLimits(parts.limits, limits, false);
      // A small one has room for the bell alone; its limits are on the tile in focus.
      else showLimits(parts.bell, limits?.isOff ? limits : null, true);
    }
    this.showIcons(state, alarms);
    this.sweep?.keepOrClear(state.values[this.waveName], this.catalogue[this.waveName], nowMs);
  }

  showStrip(alarms) {
    const standing = alarms.filter((alarm) => alarm.state !== "resolved");
    const worst = standing[0];
    const taken = worst?.state === "acknowledged" ? " ✓" : "";
    const ended = worst && isOver(worst) ? `ended ${hour(worst.resolved_ms)}: ` : "";
    write(this.stripText, worst ? `${MARK[worst.priority]} ${ended}${worst.text}${taken}` : "");
    write(this.stripMore, standing.length > 1 ? `+${standing.length - 1}` : "");
    dress(this.strip, worst ? `strip ${worst.priority} ${worst.state}` : "strip");
    this.strip.title = standing.map((alarm) => `${MARK[alarm.priority]} ${alarm.text}`).join("\n");
  }

  showNumber(vital, parts, shown, alarms, nowMs) {
    const entry = this.catalogue[vital];
    const why = reason(shown);
    const brief = parts.base !== "number";
    write(parts.value, why && !brief ? `---\n${why}` : text(entry, shown, { brief }));
    const old = shown ? nowMs - shown.rx : 0;
    const isStale = old > entry.stale_after_ms;
    write(parts.age, isStale ? age(old) : "");
    const marks = [parts.base, isStale && "stale", why && "invalid", alarming(alarms, vital)];
    dress(parts.box, marks.filter(Boolean).join(" "));
  }

  showIcons(state, alarms) {
    const sleep = state.values.sleep_state?.v;
    const away = Object.entries(state.devices)
      .filter(([, device]) => device.state === "offline").map(([name]) => name);
    const technical = alarms
      .filter((alarm) => alarm.kind === "technical" && alarm.state !== "resolved")
      .map((alarm) => alarm.text);
    const key = JSON.stringify([sleep, away, technical]);
    if (key === this.iconKey) return;
    this.iconKey = key;
    this.icons.replaceChildren();
    if (technical.length) this.icon("technical", "off", `technical: ${technical.join(", ")}`);
    if (away.length) this.icon("device", "off", `not connected: ${away.join(", ")}`);
    if (ICONS[sleep]) this.icon(sleep, sleep, sleep);
  }

  icon(name, className, title) {
    const icon = element("span", className, this.icons);
    icon.innerHTML = ICONS[name];
    icon.title = title;
    icon.role = "img";
    icon.ariaLabel = title;
  }
}
