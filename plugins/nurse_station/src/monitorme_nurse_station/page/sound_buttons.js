// The two buttons of the sound: off, on or paused, each with a picture that stays.

import { dress, write } from "./sector.js";

const BELL = '<path d="M6 17v-6a6 6 0 0 1 12 0v6l2 2H4zM10 22h4"/>';
const PICTURES = {
  on: BELL,
  off: `${BELL}<path d="M3 3l18 18"/>`,
  paused: `${BELL}<path d="M10.5 10v5M13.5 10v5"/>`,
};

export class SoundButtons {
  constructor(sound, { audio, pause, worst }) {
    this.sound = sound;
    this.audio = audio;
    this.pause = pause;
    audio.onclick = () => sound.toggle();
    pause.onclick = () => sound.pause(worst());
    pause.title = "Pause the sound for two minutes; a worse alarm breaks through";
  }

  show() {
    const { isOn, pausedS } = this.sound;
    tell(this.audio, isOn ? "on" : "off", isOn ? "Sound on" : "Sound off: click to switch on");
    dress(this.audio, isOn ? "" : "off");
    tell(this.pause, "paused", pausedS ? `Sound paused ${pausedS} s` : "Pause sound");
    dress(this.pause, pausedS ? "off" : "");
  }
}

function tell(button, name, words) {
  write(button.querySelector("span"), words);
  if (button.dataset.shows === name) return;
  button.dataset.shows = name;
  button.querySelector("i").innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true">${PICTURES[name]}</svg>`;
}
