// The calls: which there are, how the one that is looked at stands, and its ladder.

import { api } from './api.js';
import { attempt, button, el, save, say, show, sync } from './dom.js';
import { Ladder, asOf, drawn } from './ladder.js';
import { fileOf, scenarioOf } from './scenario.js';
import { NO_CALL, entriesOf, isLive, keepCall, nameOf, onEntry, plain, world } from './world.js';

/** How many are listed. */
const LISTED = 60;

let chosen = plain(decodeURIComponent(location.hash.replace(/^#call=/, '')));
/** Whether somebody chose it: then a new call does not take its place while it is up. */
let isPinned = chosen !== '';
/** A new one that is to be looked at, once it is known. */
let coming;
let shown;

function titleOf(call) {
  const names = Object.keys(call.people).map(nameOf);
  if (call.direction === 'incoming') return `${names[0] ?? 'somebody'} calls the bot`;
  if (names.length === 0) return 'the bot joins a meeting';
  return `the bot calls ${names.join(', ')}`;
}

const endOf = (call) => (call.result ? `${call.result[0]}/${call.result[1]}` : '');
const timeOf = (millis) => new Date(millis).toLocaleTimeString();

function choose(id, isBySomebody) {
  chosen = id;
  isPinned = isBySomebody;
  history.replaceState(undefined, '', id === NO_CALL ? '#' : `#call=${encodeURIComponent(id)}`);
  draw();
}

class Item {
  constructor(key) {
    this.title = el('span', { class: 'title' });
    this.state = el('span', { class: 'chip' });
    this.time = el('span', { class: 'time' });
    this.button = el('button', { type: 'button', on: { click: () => choose(key, true) } }, this.title, this.state, this.time);
    this.element = el('li', {}, this.button);
  }

  update({ key, call }) {
    say(this.title, call ? titleOf(call) : 'requests of no call');
    say(this.state, call ? call.state : 'refused');
    this.state.dataset.state = call ? call.state : 'refused';
    say(this.time, call ? timeOf(call.beganAt) : '');
    if (key === chosen) this.button.setAttribute('aria-current', 'true');
    else this.button.removeAttribute('aria-current');
  }
}

/** A name and a value, which changes. */
class Fact {
  constructor(name) {
    this.value = el('dd');
    this.element = el('div', {}, el('dt', { text: name }), this.value);
  }

  say(text) {
    say(this.value, text);
    show(this.element, text !== '');
  }
}

function whoIs(participant) {
  const identity = participant.info?.identity ?? {};
  const [kind, one] = Object.entries(identity).find(([name]) => !name.startsWith('@')) ?? ['?', {}];
  const name = one?.displayName ?? (kind === 'application' ? 'bot' : nameOf(one?.id ?? ''));
  const marks = [participant.isMuted && 'muted', participant.isInLobby && 'in the lobby'].filter(Boolean);
  return marks.length ? `${name} (${marks.join(', ')})` : name;
}

const kindOf = (operation) =>
  (operation['@odata.type'] ?? 'operation').replace(/^#?microsoft\.graph\./, '').replace(/Operation$/, '');

/** A list of short texts. */
class Texts {
  constructor(title, none) {
    this.list = el('ul');
    this.none = el('p', { class: 'hint', text: none });
    this.element = el('section', {}, el('h4', { text: title }), this.list, this.none);
  }

  /** `items` have a key, a text and a state. */
  update(items) {
    show(this.none, items.length === 0);
    sync(this.list, items, (item) => item.key, () => {
      const text = el('span');
      const chip = el('span', { class: 'chip' });
      return { element: el('li', {}, text, chip), text, chip };
    }, (made, item) => {
      say(made.text, item.text);
      say(made.chip, item.state);
      made.chip.dataset.state = item.state;
      show(made.chip, item.state !== '');
    });
  }
}

/** The call that is looked at. */
class Shown {
  constructor(id) {
    this.id = id;
    this.title = el('h3', { id: 'call-title' });
    this.state = el('span', { class: 'chip big' });
    this.kind = new Fact('Kind');
    this.end = new Fact('Ended');
    this.media = new Fact('Media');
    this.keys = new Fact('Keys');
    this.callback = new Fact('Callback');
    this.identity = new Fact('Id');
    this.facts = el('dl', { class: 'facts' },
      ...[this.kind, this.end, this.media, this.keys].map((fact) => fact.element));
    this.where = el('details', { class: 'where' }, el('summary', { text: 'Id and callback' }),
      el('dl', { class: 'facts' }, this.identity.element, this.callback.element));
    this.roster = new Texts('Roster', 'empty, as in a peer-to-peer call');
    this.operations = new Texts('Operations', 'none');
    this.who = el('select', { 'aria-label': 'Whom to add' });
    this.add = button('Add to the call', () => this.join(), { data: { does: 'join' } });
    this.adding = el('div', { class: 'adding' }, this.who, this.add);
    this.line = el('input', { type: 'range', min: '0', 'aria-label': 'The call as of a line', on: { input: () => this.scrub() } });
    this.asOf = el('output', { class: 'as-of' });
    this.back = button('Now', () => this.scrub(true), { class: 'small' });
    this.trace = button('Save trace', () => this.saveTrace(), { class: 'small' });
    this.scenario = button('Save as scenario', () => this.saveScenario(), { class: 'small' });
    this.ladder = new Ladder();
    this.scrubbed = undefined;
    this.head = el('div', { class: 'call-head' }, this.title, this.state);
    this.sides = el('div', { class: 'sides' }, this.roster.element, this.operations.element);
    this.element = el('article', { class: 'call', 'aria-labelledby': 'call-title' },
      this.head, this.facts, this.where, this.sides, this.adding,
      el('div', { class: 'scrub' }, el('h4', { text: 'Ladder' }), this.line, this.asOf, this.back, this.trace, this.scenario),
      this.ladder.element);
  }

  update() {
    const call = world.calls.get(this.id);
    const entries = drawn(entriesOf(this.id));
    const isThen = this.scrubbed !== undefined && this.scrubbed < entries.length;
    this.line.max = String(entries.length);
    if (!isThen) this.line.value = String(entries.length);
    const count = isThen ? this.scrubbed : entries.length;
    this.line.setAttribute('aria-valuetext', isThen ? `after line ${count} of ${entries.length}` : 'now');
    say(this.asOf, isThen ? `after line ${count} of ${entries.length}` : 'now');
    show(this.back, isThen);
    this.element.classList.toggle('then', isThen);
    for (const part of [this.facts, this.where, this.sides, this.state, this.scenario]) show(part, call !== undefined);
    say(this.title, call ? titleOf(call) : 'Requests of no call');
    if (call) this.updateCall(call, isThen ? { ...call, ...asOf(call, entries, count) } : call);
    show(this.adding, call?.state === 'established' && !isThen && this.missing !== '');
    this.ladder.update(call, entries, count);
  }

  updateCall(call, then) {
    say(this.state, then.state);
    this.state.dataset.state = then.state;
    this.kind.say(`${call.isGroup ? 'group' : 'peer-to-peer'}: ${call.why}`);
    const ended = endOf(call) ? `with ${endOf(call)}` : 'without a code';
    this.end.say(then.state === 'terminated' ? ended : '');
    this.media.say(`hosted by the ${call.hosting}`);
    this.keys.say(call.listens ? 'the bot listens' : 'the bot does not listen');
    this.callback.say(call.callback);
    this.identity.say(call.id);
    this.roster.update(then.roster.map((one) => ({ key: one.id, text: whoIs(one), state: '' })));
    this.operations.update(then.operations.map((one) => ({
      key: one.id, text: kindOf(one), state: String(one.status ?? '').toLowerCase(),
    })));
    const missing = world.people.filter((person) => !['connected', 'ringing'].includes(call.people[person.id]));
    const ids = missing.map((person) => person.id).join();
    if (ids !== this.missing) {
      this.missing = ids;
      const before = this.who.value;
      this.who.replaceChildren(...missing.map((person) => el('option', { value: person.id, text: person.name })));
      if (missing.some((person) => person.id === before)) this.who.value = before;
    }
  }

  async join() {
    const after = await attempt(() => api.act(this.id, this.who.value, 'join'));
    if (after) keepCall(after);
  }

  scrub(isNow = false) {
    this.scrubbed = isNow ? undefined : Number(this.line.value);
    this.update();
  }

  saveScenario() {
    const call = world.calls.get(this.id);
    const permissions = world.apps.find((app) => app.id === call.app)?.permissions ?? [];
    save(fileOf(call), scenarioOf(call, entriesOf(this.id), permissions), 'application/toml');
  }

  saveTrace() {
    save(`call-${this.id.slice(0, 8) || 'none'}.json`, JSON.stringify(entriesOf(this.id), null, 2), 'application/json');
  }
}

export function draw() {
  const calls = [...world.calls.values()].sort((one, other) => other.beganAt - one.beganAt);
  const items = calls.slice(0, LISTED).map((call) => ({ key: plain(call.id), call }));
  if (entriesOf(NO_CALL).length > 0) items.push({ key: NO_CALL });
  show(document.getElementById('no-calls'), items.length === 0);
  if (coming !== undefined && world.calls.has(coming)) {
    const id = coming;
    coming = undefined;
    return choose(id, false);
  }
  const isThere = world.calls.has(chosen) || (chosen === NO_CALL && isPinned && entriesOf(NO_CALL).length > 0);
  if (!isThere && items.length > 0) {
    isPinned = false;
    chosen = items[0].key;
  }
  sync(document.getElementById('call-list'), items, (item) => item.key, (item) => new Item(item.key), (made, item) => made.update(item));
  const has = items.length > 0;
  if (!has) shown = undefined;
  else if (shown?.id !== chosen) shown = new Shown(chosen);
  const place = document.getElementById('call');
  if (place.firstElementChild !== (shown?.element ?? null)) place.replaceChildren(...(shown ? [shown.element] : []));
  shown?.update();
}

/** A new call is looked at, unless another one that somebody chose is up. */
onEntry((entry) => {
  const id = plain(entry.call ?? NO_CALL);
  if (!entry.call || id === chosen || entriesOf(id).length > 1) return;
  const now = world.calls.get(chosen);
  if (isPinned && now && isLive(now)) return;
  coming = id;
});
