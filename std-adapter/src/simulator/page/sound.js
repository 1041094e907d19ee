// What is heard: ringing, keys, and the prompts that bots play; and what the microphone hears.

import { now, world, liveCalls, onChange, onEntry, entriesOf, plain } from './world.js';
import { complain } from './dom.js';

/** Samples a second that the service takes. */
const RATE = 16_000;
/** The longest speech that is taken, in seconds. */
const LONGEST = 120;
const KEYS = '123A456B789C*0#D';
const ROWS = [697, 770, 852, 941];
const COLUMNS = [1209, 1336, 1477, 1633];

let context;
let isOn = true;

function audio() {
  context ??= new AudioContext();
  // A browser lets a page sound only once somebody has touched it.
  if (context.state === 'suspended') context.resume().catch(() => {});
  return context;
}

/** Sounds these frequencies together, from `after` seconds on, for `length`. */
function sing(frequencies, length, loudness, after = 0) {
  if (!isOn) return;
  const at = audio();
  if (at.state !== 'running') return;
  const from = at.currentTime + after;
  const gain = new GainNode(at, { gain: 0 });
  gain.connect(at.destination);
  // Without a slope it clicks.
  gain.gain.setValueAtTime(0, from);
  gain.gain.linearRampToValueAtTime(loudness, from + 0.015);
  gain.gain.setValueAtTime(loudness, from + length - 0.03);
  gain.gain.linearRampToValueAtTime(0, from + length);
  for (const frequency of frequencies) {
    const tone = new OscillatorNode(at, { frequency });
    tone.connect(gain);
    tone.start(from);
    tone.stop(from + length);
  }
}

/** The tones of a key, as ITU-T Q.23 has them. */
export function key(name) {
  const place = KEYS.indexOf(name);
  if (place >= 0) sing([ROWS[place >> 2], COLUMNS[place & 3]], 0.16, 0.06);
}

/** Whether a phone rings, or somebody waits for the bot to answer. */
function rings() {
  let isCalling = false;
  for (const call of liveCalls()) {
    const stand = Object.values(call.people);
    if (stand.includes('ringing')) return 'rings';
    if (!stand.includes('waiting')) continue;
    if (call.direction === 'outgoing') return 'rings';
    isCalling = true;
  }
  return isCalling ? 'calls' : '';
}

let rang = '';
/** A phone rings, or who calls hears it ring. */
function ring() {
  rang = rings();
  if (rang === 'rings') [0, 0.45].forEach((after) => sing([523, 659], 0.35, 0.08, after));
  else if (rang === 'calls') sing([425], 0.9, 0.03);
}

const playing = new Map();

/** Plays a prompt; where it began a while ago, from there on. */
function play(entry) {
  const { operation, sound, lengthMs, at } = entry;
  stop(operation);
  if (!isOn) return;
  const passed = Math.max(0, now() - at);
  const heard = document.createElement('audio');
  heard.src = sound;
  heard.dataset.call = plain(entry.call);
  heard.dataset.operation = operation;
  if (passed > 400 && passed < lengthMs) heard.currentTime = passed / 1000;
  heard.addEventListener('ended', () => stop(operation, heard));
  document.body.append(heard);
  playing.set(operation, heard);
  heard.play().catch((error) => {
    if (error.name === 'NotAllowedError') complain('A prompt plays, and the browser keeps it silent until you click somewhere.');
    if (error.name === 'NotSupportedError') complain('The sound of the prompt cannot be had any more.');
  });
}

function stop(operation, which = playing.get(operation)) {
  if (!which) return;
  which.pause();
  // What was heard stays to be looked at; the one before goes.
  document.querySelectorAll('audio[data-over]').forEach((old) => old.remove());
  which.dataset.over = '';
  if (playing.get(operation) === which) playing.delete(operation);
}

function heard(entry) {
  if (entry.kind !== 'prompt') return;
  if (entry.did === 'begins') play(entry);
  // One that ends here ends there as well; the element plays its last moments.
  else if (entry.did === 'stopped') stop(entry.operation);
}

/** The prompt that a call plays now, as far as its history tells. */
export function promptOf(call) {
  const entries = entriesOf(call.id);
  for (let place = entries.length - 1; place >= 0; place -= 1) {
    if (entries[place].kind === 'prompt') return entries[place].did === 'begins' ? entries[place] : undefined;
  }
  return undefined;
}

/** Takes up the prompts that play while the page is loaded. */
let isBegun = false;
export function takeUp() {
  for (const call of liveCalls()) {
    const prompt = promptOf(call);
    if (prompt && !playing.has(prompt.operation)) play(prompt);
  }
}

export function begin(toggle) {
  isOn = localStorage.getItem('sound') !== 'off';
  const shown = () => {
    toggle.setAttribute('aria-pressed', String(isOn));
    toggle.textContent = isOn ? 'Sound on' : 'Sound off';
  };
  toggle.addEventListener('click', () => {
    isOn = !isOn;
    localStorage.setItem('sound', isOn ? 'on' : 'off');
    if (isOn) takeUp();
    else [...playing.keys()].forEach((operation) => stop(operation));
    shown();
  });
  shown();
  onEntry(heard);
  onChange(() => {
    if (isBegun || world.connection !== 'connected') return;
    isBegun = true;
    takeUp();
  });
  // A call that is gone plays nothing.
  onChange(() => {
    const live = new Set(liveCalls().map((call) => plain(call.id)));
    for (const [operation, element] of playing) {
      const of = element.dataset.call;
      if (of && !live.has(of)) stop(operation);
    }
  });
  document.addEventListener('pointerdown', () => {
    if (!isOn) return;
    audio();
    for (const element of playing.values()) if (element.paused) element.play().catch(() => {});
  });
  document.addEventListener('keydown', () => isOn && audio());
  setInterval(ring, 2000);
  onChange(() => rings() !== rang && ring());
}

/** Records until the returned function is called, which gives a WAV file of 16 kHz, 16 bits, mono. */
export async function listen() {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  } catch {
    throw new Error('The microphone cannot be had: allow it for this page.');
  }
  const recorder = new MediaRecorder(stream);
  const parts = [];
  recorder.addEventListener('dataavailable', (event) => parts.push(event.data));
  const ended = new Promise((resolve) => recorder.addEventListener('stop', resolve));
  recorder.start();
  return async () => {
    recorder.stop();
    await ended;
    stream.getTracks().forEach((track) => track.stop());
    return wav(await resampled(await new Blob(parts).arrayBuffer()));
  };
}

async function resampled(file) {
  const decoded = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(file);
  const length = Math.min(Math.ceil(decoded.duration * RATE), LONGEST * RATE);
  if (length === 0) throw new Error('Nothing was heard.');
  const at = new OfflineAudioContext(1, length, RATE);
  const source = new AudioBufferSourceNode(at, { buffer: decoded });
  source.connect(at.destination);
  source.start();
  return (await at.startRendering()).getChannelData(0);
}

/** A WAV file of samples between -1 and 1. */
export function wav(samples) {
  const file = new DataView(new ArrayBuffer(44 + samples.length * 2));
  const word = (at, text) => [...text].forEach((letter, place) => file.setUint8(at + place, letter.charCodeAt(0)));
  word(0, 'RIFF');
  file.setUint32(4, 36 + samples.length * 2, true);
  word(8, 'WAVEfmt ');
  file.setUint32(16, 16, true);
  file.setUint16(20, 1, true);
  file.setUint16(22, 1, true);
  file.setUint32(24, RATE, true);
  file.setUint32(28, RATE * 2, true);
  file.setUint16(32, 2, true);
  file.setUint16(34, 16, true);
  word(36, 'data');
  file.setUint32(40, samples.length * 2, true);
  samples.forEach((sample, place) =>
    file.setInt16(44 + place * 2, Math.max(-1, Math.min(1, sample)) * 0x7fff, true));
  return file.buffer;
}
