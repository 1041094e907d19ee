// The phones: a tile for each person, with what he can do now.

import { api } from './api.js';
import { announce, attempt, button, el, say, show, sync } from './dom.js';
import { callsOf, entriesOf, keepCall, nameOf, onEntry, world } from './world.js';
import * as sound from './sound.js';

const KEYS = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '0', '#'];
/** How many calls a phone shows at once: the newest. */
const LINES = 4;
const SPOKEN_KEYS = { '*': 'star', '#': 'pound' };

const STANDS = {
  ringing: 'rings',
  calling: 'calls the bot…',
  called: 'is called',
  connected: 'in the call',
};

/** Where a person stands in a call. */
function standsIn(call, person) {
  const is = call.people[person];
  if (is === 'waiting') return call.direction === 'incoming' ? 'calling' : 'called';
  return is;
}

/** Whether he muted himself: by the roster, and where there is none, by what he did. */
function isMuted(call, person) {
  const here = call.roster.find((one) => Object.values(one.info?.identity ?? {}).some((identity) => identity?.id === person));
  if (here) return Boolean(here.isMuted);
  const last = entriesOf(call.id).findLast(
    (entry) => entry.kind === 'person' && entry.name === nameOf(person) && /^(un)?mutes himself/.test(entry.did));
  return last?.did.startsWith('mutes') ?? false;
}

async function act(call, person, does) {
  const after = await attempt(() => api.act(call, person, does));
  if (after) keepCall(after);
}

/** What a person has of one call. */
class Line {
  constructor(call, person) {
    this.call = call.id;
    this.person = person;
    const act_ = (does) => () => act(this.call, this.person, does);
    this.status = el('p', { class: 'line-status' });
    this.hears = el('p', { class: 'hears' });
    this.pickUp = button('Pick up', act_('pick up'), { class: 'go', data: { does: 'pick up' } });
    this.decline = button('Decline', act_('decline'), { class: 'stop', data: { does: 'decline' } });
    this.mute = button('Mute', () => act(this.call, this.person, this.muted ? 'unmute' : 'mute'), {
      'aria-pressed': 'false', data: { does: 'mute' },
    });
    this.speak = button('Speak 3 s', act_('speak 3s'), { data: { does: 'speak' } });
    this.microphone = button('Microphone', () => this.record(), { 'aria-pressed': 'false', data: { does: 'microphone' } });
    this.hangUp = button('Hang up', act_('hang up'), { class: 'stop', data: { does: 'hang up' } });
    this.keypad = el('div', { class: 'keypad', role: 'group', 'aria-label': 'Keys' },
      ...KEYS.map((key) => button(key, () => this.press(key), {
        'aria-label': SPOKEN_KEYS[key], data: { key },
      })));
    this.talk = el('div', { class: 'actions talk' }, this.mute, this.speak, this.microphone);
    this.element = el('div', { class: 'line' }, this.status, this.hears,
      el('div', { class: 'actions' }, this.pickUp, this.decline), this.keypad, this.talk,
      el('div', { class: 'actions' }, this.hangUp));
  }

  update(call) {
    const stands = standsIn(call, this.person);
    this.isConnected = stands === 'connected' && call.state === 'established';
    const others = Object.entries(call.people).filter(([id, is]) => id !== this.person && is !== 'left');
    const also = others.length ? ` with ${others.map(([id]) => nameOf(id)).join(', ')}` : '';
    say(this.status, (STANDS[stands] ?? stands) + (stands === 'connected' ? also : ''));
    this.element.dataset.stands = stands;
    const prompt = sound.promptOf(call);
    say(this.hears, prompt ? 'hears a prompt' : call.listens ? 'the bot listens to keys' : 'silence');
    this.hears.dataset.is = prompt ? 'prompt' : 'quiet';
    show(this.hears, this.isConnected);
    const isAsked = stands === 'ringing';
    for (const element of [this.pickUp, this.decline]) show(element, isAsked);
    show(this.pickUp.parentElement, isAsked);
    show(this.keypad, this.isConnected);
    show(this.talk, this.isConnected);
    show(this.hangUp.parentElement, this.isConnected || stands === 'calling');
    this.muted = isMuted(call, this.person);
    this.mute.setAttribute('aria-pressed', String(this.muted));
    say(this.mute, this.muted ? 'Unmute' : 'Mute');
  }

  press(key) {
    if (!this.isConnected) return;
    sound.key(key);
    const shown = this.keypad.querySelector(`[data-key="${CSS.escape(key)}"]`);
    shown?.classList.add('pressed');
    setTimeout(() => shown?.classList.remove('pressed'), 160);
    act(this.call, this.person, `press ${key}`);
  }

  async record() {
    if (this.ends) {
      const end = this.ends;
      this.recordingIs(undefined);
      await attempt(async () => keepCall(await api.speak(this.call, this.person, await end())));
    } else if (!this.asking) {
      this.asking = true;
      this.recordingIs(await attempt(() => sound.listen()));
      this.asking = false;
      if (this.ends) announce('The microphone is recorded. Press again to send.');
    }
  }

  recordingIs(ends) {
    this.ends = ends;
    say(this.microphone, ends ? 'Send' : 'Microphone');
    this.microphone.setAttribute('aria-pressed', String(Boolean(ends)));
  }

  /** A microphone does not stay on for a call that is gone. */
  gone() {
    this.ends?.().catch(() => {});
  }
}

/** The phone of a person. */
class Phone {
  constructor(person) {
    this.id = person.id;
    this.avatar = el('span', { class: 'avatar', 'aria-hidden': 'true' });
    this.name = el('h3');
    this.habit = el('p', { class: 'habit' });
    this.app = el('select', { 'aria-label': 'Which bot' });
    this.apps = '';
    this.call = button('Call the bot', () => this.start(false), { class: 'go', data: { does: 'call' } });
    this.recorded = button('Call, recorded by policy', () => this.start(true), { data: { does: 'call recorded' } });
    this.idle = el('div', { class: 'idle' }, this.app, this.call,
      el('details', {}, el('summary', { text: 'More' }), this.recorded));
    this.lines = el('div', { class: 'lines' });
    this.more = el('p', { class: 'hint', hidden: true });
    this.element = el('article', {
      class: 'phone', tabindex: '0', role: 'group', data: { person: person.name },
      on: { keydown: (event) => this.key(event) },
    }, el('header', {}, this.avatar, el('div', {}, this.name, this.habit)), this.lines, this.more, this.idle);
  }

  update(person) {
    this.element.setAttribute('aria-label', `Phone of ${person.name}`);
    say(this.avatar, [...person.name][0]?.toUpperCase() ?? '?');
    say(this.name, person.name);
    say(this.habit, `When rung: ${person.when_rung === 'ask' ? 'you decide' : person.when_rung}`);
    const apps = world.apps.map((app) => app.id).join();
    if (apps !== this.apps) {
      this.apps = apps;
      const before = this.app.value;
      this.app.replaceChildren(...world.apps.map((app) => el('option', { value: app.id, text: app.id })));
      if (world.apps.some((app) => app.id === before)) this.app.value = before;
    }
    show(this.app, world.apps.length > 1);
    this.call.disabled = world.apps.length === 0;
    const calls = callsOf(this.id);
    const isFocused = this.lines.contains(document.activeElement);
    const before = new Map(this.lines.kept ?? []);
    sync(this.lines, calls.slice(-LINES), (call) => call.id, (call) => new Line(call, this.id), (line, call) => line.update(call));
    for (const [key, line] of before) if (!this.lines.kept.has(key)) line.gone();
    show(this.more, calls.length > LINES);
    say(this.more, `and ${calls.length - LINES} more calls`);
    show(this.idle, calls.length === 0);
    const stands = new Set(calls.map((call) => standsIn(call, this.id)));
    this.element.dataset.stands =
      ['ringing', 'connected', 'calling', 'called'].find((one) => stands.has(one)) ?? 'idle';
    // What had the focus is gone: the phone has it now.
    if (isFocused && !this.element.contains(document.activeElement)) this.element.focus();
    if (isFocused && document.activeElement?.closest('[hidden]')) this.element.focus();
  }

  async start(recorded) {
    const call = await attempt(() => api.start(this.id, this.app.value || undefined, recorded));
    if (call) keepCall(call);
  }

  key(event) {
    const isText = event.target.matches('input, select, textarea');
    if (isText || event.ctrlKey || event.altKey || event.metaKey || !KEYS.includes(event.key)) return;
    const line = [...(this.lines.kept?.values() ?? [])].find((one) => one.isConnected);
    if (!line) return;
    event.preventDefault();
    line.press(event.key);
  }
}

export function draw() {
  const tiles = document.getElementById('phones');
  sync(tiles, world.people, (person) => person.id, (person) => new Phone(person), (phone, person) => phone.update(person));
  show(document.getElementById('no-people'), world.people.length === 0 && world.instance !== undefined);
}

/** Tells of what happens, for those who do not see it. */
onEntry((entry) => {
  if (entry.kind === 'person') announce(`${entry.name} ${entry.did}`);
  else if (entry.kind === 'prompt') {
    announce({ begins: 'A prompt begins', ends: 'The prompt ends', stopped: 'The prompt is stopped' }[entry.did]);
  } else if (entry.kind === 'request' && entry.status >= 400) announce(`The bot was refused with ${entry.status}`);
  else if (entry.kind === 'notification' && /terminated/.test(entry.about)) announce('The call ended');
});
