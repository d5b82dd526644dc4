// The one connection to the station: connects, reconnects, and knows when it is lost.

const LOST_AFTER_MS = 3000; // without a word, or behind by as much
const ANEW_AFTER_MS = 6000; // then the connection is given up, whatever it says
const RETRY_MS = 1000;

export class Feed {
  constructor(ward, { onFrame, onLost, onFound }) {
    this.ward = ward;
    this.handlers = { onFrame, onLost, onFound };
    this.heardAt = performance.now();
    this.offsetMs = Date.now() - performance.now();
    this.behindMs = 0;
    this.isLost = false;
    this.connect();
    setInterval(() => this.check(), 250);
  }

  // The station's clock, which all times on the page are compared with.
  now() {
    return performance.now() + this.offsetMs;
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/ws/${this.ward}`);
    this.socket = socket;
    this.openedAt = performance.now();
    let isFirst = true;
    socket.onmessage = (event) => {
      if (socket !== this.socket) return; // given up: what it still holds is old
      this.take(JSON.parse(event.data), isFirst);
      isFirst = false;
    };
    socket.onclose = () => {
      if (socket === this.socket) setTimeout(() => this.connect(), RETRY_MS);
    };
  }

  // The first frame of a connection is fresh. The least delayed one tells the station's
  // clock, so that frames that waited on their way do not turn the page's clock back.
  take(frame, isFirst) {
    const now = performance.now();
    const offsetMs = frame.now_ms - now;
    const driftMs = frame.t === "beat" ? 1 : 0; // two clocks never run quite alike
    this.offsetMs = isFirst ? offsetMs : Math.max(this.offsetMs - driftMs, offsetMs);
    this.behindMs = this.now() - frame.now_ms;
    this.heardAt = now;
    this.handlers.onFrame(frame);
  }

  check() {
    const now = performance.now();
    const silentMs = Math.max(now - this.heardAt, this.behindMs);
    if (silentMs <= LOST_AFTER_MS) {
      if (this.isLost) this.handlers.onFound();
      this.isLost = false;
      return;
    }
    this.isLost = true;
    this.handlers.onLost(silentMs);
    if (silentMs > ANEW_AFTER_MS && now - this.openedAt > ANEW_AFTER_MS) {
      this.socket.close();
      this.connect();
    }
  }
}
