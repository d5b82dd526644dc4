// The last hour of one vital: a line through the means in the band of lowest and highest.
// An episodic value is a point. A gap is hatched and says why, and no line crosses it.

import { clock, why } from "./format.js";

const MARGIN = { left: 30, right: 6, top: 16, bottom: 15 };

export function drawTrend(canvas, found, vital, colour) {
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  const buckets = found.buckets ?? [];
  const spanMs = found.to_ms - found.from_ms;
  const x = (ms) => MARGIN.left + ((ms - found.from_ms) / spanMs) * (width - MARGIN.left - MARGIN.right);
  const gaps = (found.gaps ?? []).map((gap) => ({ ...gap, left: x(gap.from_ms), right: x(gap.to_ms) }));
  for (const gap of gaps) hatch(pen, gap, height);
  tellOnHover(canvas, gaps);
  if (!buckets.length) return;
  const { low, high } = range(buckets, vital);
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
  for (const run of runs(buckets, gaps)) {
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

// Buckets that follow each other without a gap between their middles.
function runs(buckets, gaps) {
  const found = [];
  for (const bucket of buckets) {
    const last = found.at(-1)?.at(-1);
    const follows = last && bucket.start_ms <= last.end_ms;
    if (follows && !gaps.some((gap) => lies(gap, middleOf(last), middleOf(bucket)))) {
      found.at(-1).push(bucket);
    } else found.push([bucket]);
  }
  return found;
}

function middleOf(bucket) {
  return (bucket.start_ms + bucket.end_ms) / 2;
}

function lies(gap, fromMs, toMs) {
  return gap.from_ms < toMs && gap.to_ms > fromMs;
}

function hatch(pen, { left, right, reason }, height) {
  const top = MARGIN.top, bottom = height - MARGIN.bottom, wide = Math.max(2, right - left);
  pen.save();
  pen.beginPath();
  pen.rect(left, top, wide, bottom - top);
  pen.clip();
  pen.fillStyle = "#1a2432";
  pen.fillRect(left, top, wide, bottom - top);
  pen.strokeStyle = "#46566a";
  pen.lineWidth = 1;
  pen.beginPath();
  for (let at = left - (bottom - top); at < right; at += 7) {
    pen.moveTo(at, bottom);
    pen.lineTo(at + (bottom - top), top);
  }
  pen.stroke();
  const words = why(reason);
  pen.font = "10px system-ui, sans-serif";
  const needed = pen.measureText(words).width;
  if (needed + 8 <= wide) {
    const from = (left + right - needed) / 2, middle = (top + bottom) / 2;
    pen.fillStyle = "#1a2432";
    pen.fillRect(from - 3, middle - 8, needed + 6, 14);
    pen.fillStyle = "#c3d0de";
    pen.fillText(words, from, middle + 3);
  }
  pen.restore();
}

// A narrow gap has no room for its reason; the pointer finds it.
function tellOnHover(canvas, gaps) {
  canvas.onmousemove = ({ offsetX }) => {
    const gap = gaps.find(({ left, right }) => offsetX >= left - 3 && offsetX <= right + 3);
    canvas.title = gap ? `no readings ${clock(gap.from_ms)} to ${clock(gap.to_ms)}: ${why(gap.reason)}` : "";
  };
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
