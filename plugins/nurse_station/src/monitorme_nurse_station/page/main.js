// The page: one model of the ward, one feed that changes it, one loop that draws it.

import { Feed } from "./feed.js";
import { alarmRow, Focus, hubRow } from "./focus.js";
import { bedName, byUrgency, clock } from "./format.js";
import { dress, element, Sector, write } from "./sector.js";
import { Sound } from "./sound.js";
import { SoundButtons } from "./sound_buttons.js";

const SLOW_FRAME_MS = 80;
const ward = location.pathname.split("/").at(-1);
const $ = (id) => document.getElementById(id);

const model = { catalogue: {}, beds: new Map(), rotateS: 5, isSlow: false, notice: "", troubles: [], hub: [] };
const sectors = new Map();
const sound = new Sound();
const soundButtons = new SoundButtons(sound, {
  audio: $("audio"), pause: $("pause"),
  worst: () => allAlarms().find(({ alarm }) => alarm.state === "active")?.alarm,
});
const focus = new Focus($("focus"), ward, {
  onAcknowledge: acknowledge, onChange: markChosen, waveOf: (bed) => sectors.get(bed)?.sweep,
});
const feed = new Feed(ward, { onFrame: take, onLost: lost, onFound: found });

function take(frame) {
  dress($("pulse"), frame.t === "beat" && $("pulse").className ? "" : "beat");
  if (frame.troubles) model.troubles = frame.troubles;
  if (frame.t === "beat") model.hub = frame.alarms;
  if (frame.t === "snapshot") begin(frame);
  if (frame.t === "delta") {
    for (const [bed, change] of Object.entries(frame.beds)) apply(bed, change);
  }
}

function begin(frame) {
  model.catalogue = frame.catalogue;
  model.rotateS = frame.rotate_s;
  model.beds.clear();
  sectors.clear();
  $("grid").replaceChildren();
  const columns = Math.max(2, Math.ceil(Math.sqrt(frame.beds.length * 1.25)));
  $("grid").style.setProperty("--columns", columns);
  model.columns = columns;
  for (const bed of frame.beds) {
    model.beds.set(bed.bed, bed);
    sectors.set(bed.bed, new Sector(bed, model.catalogue, $("grid"), (chosen) => focus.open(chosen)));
  }
  focus.build(model.catalogue);
  if (!model.beds.has(focus.bed)) focus.bed = null;
  focus.alarmKey = null;
  write($("ward"), frame.ward.name);
  document.title = `${frame.ward.name} · MonitorMe`;
}

function apply(bed, change) {
  let state = model.beds.get(bed);
  if (change.reset) {
    if (!state) {
      state = { bed };
      model.beds.set(bed, state);
      sectors.set(bed, new Sector(state, model.catalogue, $("grid"), (chosen) => focus.open(chosen)));
    }
    // Another patient: nothing of the one before stays, the drawn wave included.
    Object.assign(state, structuredClone(change.reset));
    clearWave(sectors.get(bed).sweep);
    if (bed === focus.bed) {
      clearWave(focus.sweep);
      focus.forgetTrend();
    }
  }
  if (!state) return;
  Object.assign(state.values, change.values);
  Object.assign(state.devices, change.devices);
  if ("limits" in change) state.limits = change.limits;
  for (const [code, alarm] of Object.entries(change.alarms ?? {})) {
    if (alarm === null) delete state.alarms[code];
    else {
      announce(state, alarm, state.alarms[code]);
      state.alarms[code] = alarm;
    }
  }
  for (const [vital, blocks] of Object.entries(change.waves ?? {})) {
    const sector = sectors.get(bed);
    for (const block of blocks) {
      if (sector.waveName === vital) sector.sweep.take(block);
      if (bed === focus.bed && focus.waveName === vital) focus.sweep.take(block);
    }
  }
}

function clearWave(sweep) {
  sweep?.reset();
  if (sweep) sweep.canvas.width = 0;
}

function announce(state, alarm, before) {
  const isUrgent = (one) => one?.priority === "high" && one.state === "active";
  if (isUrgent(alarm) && !isUrgent(before)) {
    write($("announce"), `${bedName(state.bed)}: ${alarm.text}`);
  }
}

function allAlarms() {
  return [...model.beds.values()]
    .flatMap((state) => Object.values(state.alarms).map((alarm) => ({ alarm, bed: state.bed })))
    .sort((one, other) => byUrgency(one.alarm, other.alarm));
}

function showAlarms(alarms) {
  const key = JSON.stringify([alarms, model.hub]);
  if (key === showAlarms.key) return;
  showAlarms.key = key;
  const isTechnical = ({ alarm }) => alarm.kind === "technical";
  fill($("of-patients"), alarms.filter((one) => !isTechnical(one)), "no patient alarm");
  fill($("technical"), alarms.filter(isTechnical), "none", model.hub.map(hubRow));
}

function fill(list, alarms, otherwise, first = []) {
  const rows = alarms.map(({ alarm, bed }) => alarmRow(bed, alarm, {
    onAcknowledge: acknowledge, onOpen: (chosen) => focus.open(chosen), withBed: true,
  }));
  list.replaceChildren(...first, ...rows);
  if (!list.children.length) write(element("li", "none", list), otherwise);
}

function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

// Five times a second: everything that has no wave.
function showAll() {
  const nowMs = feed.now();
  write($("clock"), clock(nowMs));
  if (!model.beds.size) return;
  const beds = [...model.beds.values()];
  for (const state of beds) sectors.get(state.bed).show(state, nowMs);
  focus.rotate(beds, model.rotateS);
  if (focus.bed) focus.show(model.beds.get(focus.bed), nowMs);
  const alarms = allAlarms();
  showAlarms(alarms);
  const open = alarms.filter(({ alarm }) => alarm.state === "active");
  const patients = beds.filter((state) => state.patient).length;
  write($("summary"), `${count(patients, "patient")} · ${count(open.length, "alarm")} to take on`);
  const worst = open[0]?.alarm;
  sound.play(worst);
  soundButtons.show();
  $("trouble").hidden = !model.troubles.length;
  write($("trouble"), model.troubles.join(" · "));
  write($("notice"), model.notice || (model.isSlow ? "This computer is too slow for waves: numbers only." : ""));
}

let drawnAt = performance.now();
let late = 0;
function drawWaves(now) {
  const elapsed = now - drawnAt;
  drawnAt = now;
  late = elapsed > SLOW_FRAME_MS ? Math.min(late + 1, 60) : Math.max(late - 0.2, 0);
  if (late > 40 && !model.isSlow) {
    model.isSlow = true;
    for (const sector of sectors.values()) clearWave(sector.sweep); // none stands frozen
  }
  if (late < 5) model.isSlow = false;
  const seconds = Math.min(elapsed / 1000, 0.5);
  if (!model.isSlow) for (const sector of sectors.values()) sector.sweep?.draw(seconds);
  focus.sweep?.draw(seconds);
  requestAnimationFrame(drawWaves);
}

async function acknowledge(bed, alarm) {
  try {
    const answer = await fetch("/api/acknowledge", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ward, bed, code: alarm.code, id: alarm.id }),
    });
    if (answer.ok) return;
    const { detail } = await answer.json().catch(() => ({}));
    tell(`Not acknowledged: ${typeof detail === "string" ? detail : answer.status}`);
  } catch {
    tell("Not acknowledged: the station does not answer.");
  }
}

function tell(words) {
  model.notice = words;
  setTimeout(() => { if (model.notice === words) model.notice = ""; }, 8000);
}

function acknowledgeWorst() {
  const state = model.beds.get(focus.bed);
  const worst = Object.values(state?.alarms ?? {})
    .filter((alarm) => alarm.state === "active").sort(byUrgency)[0];
  if (worst) acknowledge(focus.bed, worst);
}

function markChosen(bed) {
  for (const [name, sector] of sectors) sector.node.classList.toggle("chosen", name === bed);
}

function move(step) {
  const names = [...sectors.keys()];
  const here = names.indexOf(document.activeElement?.dataset?.bed ?? focus.bed);
  const next = Math.max(0, Math.min(names.length - 1, here + step));
  sectors.get(names[next])?.node.focus();
  focus.hold();
}

function lost(silentMs) {
  $("lost").hidden = false;
  document.body.classList.add("old");
  dress($("pulse"), "");
  write($("lost"), `NOT CONNECTED for ${Math.round(silentMs / 1000)} s: what is shown is old. Look at the bedside.`);
}

function found() {
  $("lost").hidden = true;
  document.body.classList.remove("old");
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -model.columns, ArrowDown: model.columns };
  if (event.key in steps) move(steps[event.key]);
  else if (event.key === "Enter" && document.activeElement?.dataset?.bed) focus.open(document.activeElement.dataset.bed);
  else if (event.key === "a" || event.key === "A") acknowledgeWorst();
  else if (event.key === "Escape") focus.release();
  else return;
  event.preventDefault();
});
$("focus").addEventListener("pointerdown", () => focus.hold()); // whoever touches it reads it
$("full").onclick = () => document.documentElement.requestFullscreen?.();
document.addEventListener("visibilitychange", keepAwake);
keepAwake();

async function keepAwake() {
  if (document.visibilityState !== "visible") return;
  try {
    await navigator.wakeLock?.request("screen");
  } catch {
    // Refused where the machine saves power; the page works all the same.
  }
}

setInterval(showAll, 200);
requestAnimationFrame(drawWaves);
