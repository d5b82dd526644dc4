// A live wave: a sweep with an erase bar, 25 mm/s; only new pixels are drawn.

const PX_PER_S = 94.5; // 25 mm/s at 96 CSS px to the inch
const PX_PER_MV = 37.8; // 10 mm/mV
const ERASE_PX = 14;
const BUFFER_S = 0.25; // what waits before drawing begins, against jitter
const GAP_MS = 100; // samples missing between two blocks: the line is broken there
const TOO_MUCH_S = 3; // more than this is late: go on with the newest

export class Sweep {
  constructor(canvas, colour, { gain = 1 } = {}) {
    this.canvas = canvas;
    this.colour = colour;
    this.gain = gain;
    this.reset();
  }

  reset() {
    this.samples = [];
    this.rate = 0;
    this.expectedAt = 0;
    this.waiting = true;
    this.x = 0;
    this.y = null;
    this.owed = 0;
    this.width = 0;
  }

  // Draw only what is true now: an old wave left standing would look like a live one.
  keepOrClear(shown, vital, nowMs) {
    const isLive = shown && shown.v !== null && nowMs - shown.rx <= vital.stale_after_ms;
    if (!isLive && this.width) {
      this.reset();
      this.canvas.width = 0;
    }
  }

  // Go on with what another sweep of the same wave is about to draw.
  adopt(other) {
    if (!other) return;
    this.samples = [...other.samples];
    this.rate = other.rate;
    this.expectedAt = other.expectedAt;
  }

  take(block) {
    if (block.rate !== this.rate) {
      this.samples = [];
      this.rate = block.rate;
    }
    const missingMs = block.at - this.expectedAt;
    if (this.expectedAt && Math.abs(missingMs) > GAP_MS) this.samples.push(NaN);
    this.expectedAt = block.at + (1000 * block.samples.length) / block.rate;
    for (const raw of block.samples) this.samples.push(block.offset + block.scale * raw);
    const most = TOO_MUCH_S * this.rate;
    if (this.samples.length > most) this.samples.splice(0, this.samples.length - most / 2);
  }

  fit() {
    const { clientWidth, clientHeight } = this.canvas;
    const ratio = window.devicePixelRatio || 1;
    if (clientWidth * ratio === this.canvas.width && clientHeight * ratio === this.canvas.height) return;
    this.canvas.width = clientWidth * ratio;
    this.canvas.height = clientHeight * ratio;
    this.pen = this.canvas.getContext("2d");
    this.pen.scale(ratio, ratio);
    this.width = clientWidth;
    this.height = clientHeight;
    this.x = 0;
    this.y = null;
  }

  draw(elapsedS) {
    this.fit();
    if (!this.rate || this.width < 10) return;
    if (this.waiting) {
      if (this.samples.length < BUFFER_S * this.rate) return;
      this.waiting = false;
    }
    this.owed += elapsedS * this.rate;
    const count = Math.min(Math.floor(this.owed), this.samples.length);
    this.owed = Math.min(this.owed - count, this.rate * 0.1);
    if (count === 0) {
      if (this.samples.length === 0) this.waiting = true;
      return;
    }
    this.stroke(this.samples.splice(0, count));
  }

  stroke(values) {
    const step = PX_PER_S / this.rate;
    const pen = this.pen;
    const span = values.length * step + ERASE_PX;
    pen.clearRect(this.x, 0, span, this.height);
    if (this.x + span > this.width) pen.clearRect(0, 0, this.x + span - this.width, this.height);
    pen.strokeStyle = this.colour;
    pen.lineWidth = 1.5;
    pen.lineJoin = "round";
    pen.beginPath();
    if (this.y !== null) pen.moveTo(this.x, this.y);
    const scale = Math.min(PX_PER_MV * this.gain, this.height / 2.6);
    for (const value of values) {
      if (Number.isNaN(value)) {
        this.y = null;
        continue;
      }
      this.x += step;
      const y = Math.max(1, Math.min(this.height - 1, this.height * 0.62 - value * scale));
      if (this.x > this.width) {
        pen.stroke();
        pen.beginPath();
        this.x -= this.width;
        this.y = null;
      }
      if (this.y === null) pen.moveTo(this.x, y);
      else pen.lineTo(this.x, y);
      this.y = y;
    }
    pen.stroke();
  }
}
