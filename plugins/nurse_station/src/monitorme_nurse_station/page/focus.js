// The large pane: rotates through the patients, jumps to an alarm, stays where it is put.

import { age, bedName, byUrgency, clock, hour, isOver, MARK, reason, text, unit } from "./format.js";
import { limitsOf, showLimits } from "./limits.js";
import { alarming, colour, dress, element, split, tint, write } from "./sector.js";
import { Sweep } from "./sweep.js";
import { drawTrend } from "./trend.js";

const HELD_MS = 30_000; // how long a choice by hand stays
const TREND_EVERY_MS = 10_000;

export class Focus {
  constructor(node, ward, { onAcknowledge, onChange, waveOf }) {
    this.node = node;
    this.ward = ward;
    this.onAcknowledge = onAcknowledge;
    this.onChange = onChange;
    this.waveOf = waveOf;
    this.bed = null;
    this.heldUntil = 0;
    this.rotatedAt = performance.now();
    this.vital = null;
    this.trendAt = -Infinity;
    this.trendRequest = 0;
  }

  build(catalogue) {
    this.catalogue = catalogue;
    const { waves } = split(catalogue);
    this.waveName = waves[0];
    this.node.replaceChildren();
    const title = element("div", "title", this.node);
    this.title = element("b", "", title);
    this.patient = element("span", "", title);
    this.mode = element("span", "mode", title);
    this.list = element("div", "its-alarms", this.node);
    const wave = element("div", "wave", this.node);
    this.caption = element("span", "caption", wave);
    this.sweep = new Sweep(element("canvas", "", wave), colour(this.waveName ?? "other"), { gain: 1 });
    const numbers = element("div", "numbers", this.node);
    this.tiles = new Map();
    for (const [name, vital] of Object.entries(catalogue)) {
      if (vital.kind !== "waveform") this.tiles.set(name, this.tile(name, vital, numbers));
    }
    const trend = element("div", "trend", this.node);
    this.trendCaption = element("span", "caption", trend);
    this.trend = element("canvas", "", trend);
    this.vital = split(catalogue).big[0] ?? Object.keys(catalogue)[0];
  }

  tile(name, vital, parent) {
    const box = element("button", vital.kind === "composite" ? "tile wide" : "tile", parent);
    box.type = "button";
    box.dataset.vital = name;
    box.style.setProperty("--tint", tint(name));
    box.onclick = () => {
      this.hold();
      this.vital = name;
      this.trendAt = -Infinity;
    };
    const head = element("span", "tile-head", box);
    write(element("span", "label", head), vital.label);
    const ageNode = element("span", "age", head);
    const value = element("span", "value", box);
    write(element("small", "unit", box), ` ${unit(vital)}`);
    const limits = element("span", "limits", box);
    return { box, age: ageNode, value, limits };
  }

  // Show a bed because somebody chose it.
  open(bed) {
    this.hold();
    this.go(bed);
  }

  hold() {
    this.heldUntil = performance.now() + HELD_MS;
  }

  release() {
    this.heldUntil = 0;
  }

  go(bed) {
    this.rotatedAt = performance.now();
    if (bed === this.bed) return;
    this.bed = bed;
    this.sweep.reset();
    this.sweep.canvas.width = 0;
    this.sweep.adopt(this.waveOf(bed));
    this.forgetTrend();
    this.alarmKey = null;
    this.onChange(bed);
  }

  // Take the curve away, and let no answer that is still on its way bring it back.
  forgetTrend() {
    this.trendRequest += 1;
    this.trendAt = -Infinity;
    this.trend.width = 0;
    write(this.trendCaption, "");
  }

  // Choose the bed to show: by hand, else the worst new alarm's, else the next patient's.
  rotate(beds, rotateS) {
    const now = performance.now();
    if (now < this.heldUntil) {
      write(this.mode, `held ${Math.ceil((this.heldUntil - now) / 1000)} s`);
      return;
    }
    const urgent = beds
      .flatMap((state) => Object.values(state.alarms).map((alarm) => ({ ...alarm, bed: state.bed })))
      .filter((alarm) => alarm.state === "active" && alarm.kind === "physiological")
      .sort(byUrgency)[0];
    if (urgent) {
      write(this.mode, "pinned by alarm");
      this.go(urgent.bed);
      return;
    }
    write(this.mode, "rotating");
    const taken = beds.filter((state) => state.patient).map((state) => state.bed);
    if (!taken.length) return;
    if (!taken.includes(this.bed)) this.go(taken[0]);
    else if (now - this.rotatedAt >= rotateS * 1000) {
      this.go(taken[(taken.indexOf(this.bed) + 1) % taken.length]);
    }
  }

  show(state, nowMs) {
    write(this.title, bedName(state.bed));
    write(this.patient, state.patient ? `${state.patient.name} · ${state.patient.mrn}` : "nobody lies here");
    const wave = this.waveName && state.values[this.waveName];
    write(this.caption, wave ? `${this.catalogue[this.waveName].label} ${wave.v ?? reason(wave)} · 25 mm/s` : "");
    if (wave) this.sweep.keepOrClear(wave, this.catalogue[this.waveName], nowMs);
    const alarms = Object.values(state.alarms).sort(byUrgency);
    for (const [name, parts] of this.tiles) {
      this.showTile(name, parts, state.values[name], alarms, nowMs);
      showLimits(parts.limits, limitsOf(name, this.catalogue[name], state.limits), true);
    }
    this.showAlarms(alarms);
    if (performance.now() - this.trendAt > TREND_EVERY_MS) this.loadTrend(state.bed);
  }

  showTile(name, { box, age: ageNode, value }, shown, alarms, nowMs) {
    const vital = this.catalogue[name];
    const old = shown ? nowMs - shown.at : 0;
    const isStale = shown && nowMs - shown.rx > vital.stale_after_ms;
    const why = reason(shown);
    write(ageNode, shown && (old > 2000 || isStale) ? age(old) : "");
    write(value, why ? `---\n${why}` : text(vital, shown));
    const marks = ["tile", vital.kind === "composite" && "wide", isStale && "stale", why && "invalid",
      name === this.vital && "shown", alarming(alarms, name)];
    dress(box, marks.filter(Boolean).join(" "));
  }

  showAlarms(alarms) {
    const key = JSON.stringify(alarms);
    if (key === this.alarmKey) return;
    this.alarmKey = key;
    this.list.replaceChildren(...alarms.map((alarm) => alarmRow(this.bed, alarm, {
      onAcknowledge: this.onAcknowledge,
    })));
  }

  async loadTrend(bed) {
    this.trendAt = performance.now();
    this.trendRequest += 1;
    const request = this.trendRequest;
    const vital = this.catalogue[this.vital];
    const part = Object.keys(vital.components)[0];
    const name = part ? `${this.vital}.${part}` : this.vital;
    if (vital.kind === "state") {
      write(this.trendCaption, `${vital.label}: no curve`);
      this.trend.width = 0;
      return;
    }
    try {
      const answer = await fetch(`/api/trend/${this.ward}/${bed}?vital=${name}&minutes=60`);
      const found = await answer.json();
      if (request !== this.trendRequest) return;
      if (!answer.ok) throw new Error(found.detail);
      write(this.trendCaption, `${vital.label} ${unit(vital)} · last hour`);
      drawTrend(this.trend, found, vital, colour(this.vital));
    } catch (error) {
      if (request !== this.trendRequest) return;
      write(this.trendCaption, `no trend: ${error.message}`);
      this.trend.width = 0;
    }
  }
}

// A service's alarm about itself: no bed's, and nobody's to take on.
export function hubRow(alarm) {
  const row = element("li", `alarm ${alarm.priority} standing`);
  row.dataset.service = alarm.service;
  row.dataset.code = alarm.code;
  write(element("span", "what", row), `${MARK[alarm.priority]} Hub  ${alarm.text}`);
  const when = element("time", "when", row);
  write(when, hour(alarm.raised_ms));
  when.title = `since ${clock(alarm.raised_ms)}`;
  return row;
}

export function alarmRow(bed, alarm, { onAcknowledge, onOpen, withBed = false }) {
  const row = element("li", `alarm ${alarm.priority} ${alarm.state}`);
  row.dataset.bed = bed;
  row.dataset.code = alarm.code;
  const where = withBed ? `${bedName(bed)}  ` : "";
  write(element("span", "what", row), `${MARK[alarm.priority]} ${where}${alarm.text}`);
  const taken = alarm.state === "acknowledged" ? `✓ ${alarm.acknowledged_by} ` : "";
  const ended = isOver(alarm) ? "ended " : "";
  const when = element("time", "when", row);
  write(when, `${taken}${ended}${hour(alarm.resolved_ms ?? alarm.raised_ms)}`);
  when.title = `since ${clock(isOver(alarm) ? alarm.since_ms : alarm.raised_ms)}`;
  if (alarm.state === "active" || alarm.state === "latched") {
    const button = element("button", "", row);
    button.type = "button";
    write(button, alarm.state === "latched" ? "Seen" : "Acknowledge");
    button.onclick = (event) => {
      event.stopPropagation();
      onAcknowledge(bed, alarm);
    };
  }
  if (onOpen) row.onclick = () => onOpen(bed);
  return row;
}
