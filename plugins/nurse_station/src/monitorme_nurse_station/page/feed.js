// The one connection to the station: connects, reconnects, and knows when it is lost.

const LOST_AFTER_MS = 3000;
const RETRY_MS = 1000;

export class Feed {
  constructor(ward, { onFrame, onLost, onFound }) {
    this.ward = ward;
    this.handlers = { onFrame, onLost, onFound };
    this.heardAt = performance.now();
    this.offsetMs = 0;
    this.isLost = false;
    this.connect();
    setInterval(() => this.check(), 250);
  }

  // The station's clock, which all times on the page are compared with.
  now() {
    return Date.now() + this.offsetMs;
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/ws/${this.ward}`);
    socket.onmessage = (event) => this.take(JSON.parse(event.data));
    socket.onclose = () => setTimeout(() => this.connect(), RETRY_MS);
  }

  take(frame) {
    this.heardAt = performance.now();
    this.offsetMs = frame.now_ms - Date.now();
    if (this.isLost) {
      this.isLost = false;
      this.handlers.onFound();
    }
    this.handlers.onFrame(frame);
  }

  check() {
    const silentMs = performance.now() - this.heardAt;
    if (silentMs > LOST_AFTER_MS) {
      this.isLost = true;
      this.handlers.onLost(silentMs);
    }
  }
}
