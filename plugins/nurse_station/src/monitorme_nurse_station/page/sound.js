// Alarm sounds by priority (IEC 60601-1-8): 10, 3 or 1 pulses, every 10, 25 or 30 s.
// A browser makes no sound before a gesture; until then the page says that it is silent.

import { RANK } from "./format.js";

const PATTERN = {
  high: { pulses: [0, 0.2, 0.4, 0.75, 0.95, 1.7, 1.9, 2.1, 2.45, 2.65], everyS: 10, hz: 880 },
  medium: { pulses: [0, 0.25, 0.5], everyS: 25, hz: 660 },
  low: { pulses: [0], everyS: 30, hz: 520 },
};
const PAUSE_MS = 120_000;

export class Sound {
  constructor() {
    this.context = null;
    this.pausedUntil = 0;
    this.pausedRank = 9;
    this.lastBurst = -Infinity;
    this.lastRank = 9;
  }

  get isOn() {
    return this.context !== null && this.context.state === "running";
  }

  async toggle() {
    if (this.isOn) {
      await this.context.suspend();
      return;
    }
    this.context ??= new AudioContext();
    await this.context.resume();
  }

  get pausedS() {
    return Math.max(0, Math.ceil((this.pausedUntil - performance.now()) / 1000));
  }

  pause(worst) {
    if (this.pausedS) {
      this.pausedUntil = 0;
      return;
    }
    this.pausedUntil = performance.now() + PAUSE_MS;
    this.pausedRank = worst ? RANK[worst.priority] : 9;
  }

  // Called a few times a second with the worst alarm that nobody has taken on.
  play(worst) {
    if (!worst) {
      this.lastRank = 9;
      return;
    }
    const rank = RANK[worst.priority];
    if (this.pausedS && rank < this.pausedRank) this.pausedUntil = 0; // worse than paused
    if (this.pausedS || !this.isOn) return;
    const pattern = PATTERN[worst.priority];
    const isWorse = rank < this.lastRank;
    this.lastRank = rank;
    if (!isWorse && performance.now() - this.lastBurst < pattern.everyS * 1000) return;
    this.lastBurst = performance.now();
    for (const at of pattern.pulses) this.pulse(at, pattern.hz);
  }

  pulse(at, hz) {
    const begin = this.context.currentTime + at;
    const tone = new OscillatorNode(this.context, { frequency: hz });
    const volume = new GainNode(this.context, { gain: 0 });
    volume.gain.setValueAtTime(0, begin);
    volume.gain.linearRampToValueAtTime(0.35, begin + 0.02);
    volume.gain.setValueAtTime(0.35, begin + 0.13);
    volume.gain.linearRampToValueAtTime(0, begin + 0.16);
    tone.connect(volume).connect(this.context.destination);
    tone.start(begin);
    tone.stop(begin + 0.18);
  }
}
