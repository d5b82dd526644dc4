// The last hour of one vital: a line through the means in the band of lowest and highest.
// An episodic value is a point, and a gap stays a gap.

const MARGIN = { left: 30, right: 6, top: 16, bottom: 15 };

export function drawTrend(canvas, found, vital, colour) {
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  const buckets = found.buckets ?? [];
  if (!buckets.length) return;
  const { low, high } = range(buckets, vital);
  const spanMs = found.to_ms - found.from_ms;
  const x = (ms) => MARGIN.left + ((ms - found.from_ms) / spanMs) * (width - MARGIN.left - MARGIN.right);
  const y = (v) => MARGIN.top + ((high - v) / (high - low)) * (height - MARGIN.top - MARGIN.bottom);
  axes(pen, { width, height, low, high, x, y, found, vital });
  const middle = (bucket) => x((bucket.start_ms + bucket.end_ms) / 2);
  if (vital.episodic) {
    pen.fillStyle = colour;
    for (const bucket of buckets) {
      pen.beginPath();
      pen.arc(middle(bucket), y(bucket.mean), 3.5, 0, 7);
      pen.fill();
    }
    return;
  }
  for (const run of runs(buckets)) {
    pen.fillStyle = colour;
    pen.globalAlpha = 0.22;
    pen.beginPath();
    for (const bucket of run) pen.lineTo(middle(bucket), y(bucket.max));
    for (const bucket of [...run].reverse()) pen.lineTo(middle(bucket), y(bucket.min));
    pen.fill();
    pen.globalAlpha = 1;
    pen.strokeStyle = colour;
    pen.lineWidth = 1.5;
    pen.beginPath();
    for (const bucket of run) pen.lineTo(middle(bucket), y(bucket.mean));
    if (run.length === 1) pen.arc(middle(run[0]), y(run[0].mean), 1.5, 0, 7);
    pen.stroke();
  }
}

// Buckets that follow each other; what lies between two runs is a gap.
function runs(buckets) {
  const found = [];
  for (const bucket of buckets) {
    const last = found.at(-1);
    if (last && bucket.start_ms <= last.at(-1).end_ms) last.push(bucket);
    else found.push([bucket]);
  }
  return found;
}

function range(buckets, vital) {
  let low = Math.min(...buckets.map((bucket) => bucket.min));
  let high = Math.max(...buckets.map((bucket) => bucket.max));
  const least = vital.decimals ? 1 : 10;
  const missing = Math.max(0, least - (high - low)) / 2;
  low -= missing + (high - low) * 0.05;
  high += missing + (high - low) * 0.05;
  return { low, high };
}

function axes(pen, { width, height, low, high, x, y, found, vital }) {
  pen.font = "10px system-ui, sans-serif";
  pen.fillStyle = "#93a4b7";
  pen.strokeStyle = "#223041";
  pen.lineWidth = 1;
  for (const value of [low + (high - low) * 0.08, (low + high) / 2, high - (high - low) * 0.08]) {
    pen.beginPath();
    pen.moveTo(MARGIN.left, y(value));
    pen.lineTo(width - MARGIN.right, y(value));
    pen.stroke();
    pen.fillText(value.toFixed(vital.decimals), 2, y(value) + 3);
  }
  for (const minutes of [60, 45, 30, 15]) {
    const at = found.to_ms - minutes * 60_000;
    if (at < found.from_ms) continue;
    pen.fillText(`-${minutes} min`, x(at) + 1, height - 3);
  }
}
