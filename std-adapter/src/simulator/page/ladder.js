// The ladder of a call: people, Graph, the bot, and what passes between them.

import { attempt, button, el, say, show, sync } from './dom.js';
import { nameOf, world } from './world.js';

const UUID = /[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}/gi;
/** What Graph tells a person, and not he Graph. */
const TOLD = /^(is |hears)/;

const seconds = (millis) => (millis / 1000).toFixed(3);

/** A path as short as it can be read. */
function short(path) {
  const below = path.replace(/^\/(v1\.0|beta)/, '').replace(/^\/communications\/calls\/[^/]+/, '…');
  return below.replace(UUID, (id) => `${id.slice(0, 6)}…`);
}

/** Why a request was refused: the service's words, and those of the simulator. */
export function reasonsOf(entry) {
  if (entry.kind === 'notification') return isGood(entry) ? [] : [entry.result];
  if (entry.kind !== 'request' || entry.status < 400) return [];
  const { message, code } = entry.answer?.error ?? {};
  const { why, page } = entry.answer?.simulator ?? {};
  const source = page && page !== 'assumed' ? `Graph docs, ${page}` : undefined;
  const said = [message ?? code, why, source].filter((text) => typeof text === 'string' && text !== '');
  return [...new Set(said)];
}

function isGood(entry) {
  if (entry.kind === 'request') return entry.status < 400;
  if (entry.kind === 'notification') return /^2\d\d$/.test(entry.result);
  return true;
}

/** The people of a ladder, in the order in which they came. */
export function peopleOf(call, entries) {
  // Who left is not among those of a call any more.
  const names = new Set([...Object.keys(call.people).map(nameOf), ...world.people.map((person) => person.name)]);
  const came = entries.filter((entry) => entry.kind === 'person' && names.has(entry.name)).map((entry) => entry.name);
  return [...new Set([...came, ...Object.keys(call.people).map(nameOf)])];
}

/** What an entry says: from whom to whom, the words, the result. */
function lineOf(entry, people) {
  const graph = people.length;
  const bot = graph + 1;
  switch (entry.kind) {
    case 'request':
      return { from: bot, to: graph, who: 'bot to Graph', words: `${entry.method} ${short(entry.path)}`, result: String(entry.status) };
    case 'notification':
      return { from: graph, to: bot, who: 'Graph to bot', words: entry.about, result: isGood(entry) ? entry.result : 'not taken' };
    case 'prompt':
      return {
        from: graph, to: 0, who: 'Graph to people', words: entry.did === 'begins' ? 'prompt' : `prompt ${entry.did}`,
        result: entry.did === 'begins' ? `${(entry.lengthMs / 1000).toFixed(1)} s` : '',
      };
    case 'fault': {
      // One that strikes a request is named with its method.
      const ends = /^[A-Z]+ \//.test(entry.about) ? { from: bot, to: graph } : { from: graph, to: bot };
      return { ...ends, who: 'fault', words: `fault: ${entry.fault.replaceAll('-', ' ')}`, result: '' };
    }
    case 'person': {
      // Somebody who is not in the call any more has no column: what he did stands at the first.
      const at = Math.max(0, people.indexOf(entry.name));
      const words = people[at] === entry.name ? entry.did : `${entry.name} ${entry.did}`;
      return TOLD.test(entry.did)
        ? { from: graph, to: at, who: `Graph to ${entry.name}`, words, result: '' }
        : { from: at, to: graph, who: `${entry.name}`, words, result: '' };
    }
    default:
      return { from: graph, to: bot, who: '', words: entry.kind, result: '' };
  }
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
const OF_THE_CONNECTION = new Set([
  'accept-encoding', 'authorization', 'connection', 'content-length', 'cookie', 'host', 'transfer-encoding', 'user-agent',
]);

const textOf = (body) => (typeof body === 'string' ? body : JSON.stringify(body));

/** The request again, as a command; the token is left to whoever runs it. */
export function curlOf(entry) {
  const isRequest = entry.kind === 'request';
  const query = entry.query ? `?${entry.query}` : '';
  const address = isRequest ? location.origin + entry.path + query : entry.to;
  const method = isRequest ? entry.method : 'POST';
  // A method may have characters that mean something to a shell.
  const parts = ['curl', '-X', /^[A-Z]+$/.test(method) ? method : quoted(method), quoted(address), '-H', '"Authorization: Bearer $TOKEN"'];
  const headers = isRequest ? Object.entries(entry.headers) : [['content-type', 'application/json']];
  for (const [name, value] of headers) {
    if (!OF_THE_CONNECTION.has(name)) parts.push('-H', quoted(`${name}: ${value}`));
  }
  if (entry.body !== null && entry.body !== undefined) parts.push('-d', quoted(textOf(entry.body)));
  return parts.join(' ');
}

function json(title, value) {
  if (value === null || value === undefined) return undefined;
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  return el('section', {}, el('h5', { text: title }), el('pre', { tabindex: '0', 'aria-label': title, text }));
}

function headersOf(title, headers) {
  const text = Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${value}`).join('\n');
  if (text === '') return undefined;
  return el('details', {}, el('summary', { text: title }), el('pre', { tabindex: '0', 'aria-label': title, text }));
}

/** What stands behind a line. */
function behind(entry) {
  const reasons = reasonsOf(entry);
  const why = reasons.length ? el('p', { class: 'why', text: reasons.join(' — ') }) : undefined;
  if (entry.kind === 'prompt') {
    return [el('audio', { controls: true, preload: 'none', src: entry.sound, 'aria-label': 'The prompt' })];
  }
  const copy = button('Copy as curl', () => attempt(async () => {
    await navigator.clipboard.writeText(curlOf(entry));
    say(copy, 'Copied');
    setTimeout(() => say(copy, 'Copy as curl'), 2000);
  }), { class: 'small' });
  if (entry.kind === 'notification') {
    const tries = `${entry.tries} ${entry.tries === 1 ? 'try' : 'tries'}`;
    return [why, el('p', { class: 'address', text: `POST ${entry.to} (${tries})` }), copy, json('Notification', entry.body)];
  }
  const query = entry.query ? `?${entry.query}` : '';
  return [
    why, el('p', { class: 'address', text: `${entry.method} ${entry.path}${query}` }), copy,
    headersOf('Headers of the request', entry.headers), json('Request', entry.body),
    headersOf('Headers of the answer', entry.answerHeaders),
    json(`Answer ${entry.status}`, entry.answer) ?? el('h5', { text: `Answer ${entry.status}, without a body` }),
  ];
}

/** A line. */
class Rung {
  constructor(entry) {
    this.entry = entry;
    this.time = el('span', { class: 'time' });
    this.words = el('span', { class: 'words' });
    this.result = el('span', { class: 'result' });
    this.arrow = el('span', { class: 'arrow' }, el('span', { class: 'label' }, this.words, this.result));
    const hasMore = entry.kind !== 'person' && entry.kind !== 'fault';
    const reasons = reasonsOf(entry);
    this.why = el('span', { class: 'why', text: reasons.join(' — '), hidden: reasons.length === 0 });
    this.row = el(hasMore ? 'button' : 'div', hasMore
      ? { type: 'button', class: 'rung', 'aria-expanded': 'false', on: { click: () => this.open() } }
      : { class: 'rung' }, this.time, this.arrow, this.why);
    this.more = el('div', { class: 'behind', hidden: true });
    this.element = el('li', { data: { kind: entry.kind, number: entry.number } }, this.row, this.more);
    if (!isGood(entry) || (entry.kind === 'prompt' && entry.did === 'stopped')) this.element.dataset.is = isGood(entry) ? 'cut' : 'bad';
  }

  open() {
    const isOpen = this.more.hidden;
    if (isOpen && !this.more.hasChildNodes()) this.more.append(...behind(this.entry).filter(Boolean));
    this.more.hidden = !isOpen;
    this.row.setAttribute('aria-expanded', String(isOpen));
  }

  update({ line, at, isLater }) {
    say(this.time, at);
    say(this.words, line.words);
    say(this.result, line.result);
    show(this.result, line.result !== '');
    const [left, right] = [line.from, line.to].sort((one, other) => one - other);
    const column = `${left + 3} / ${Math.max(right, left + 1) + 3}`;
    if (this.arrow.style.gridColumn !== column) this.arrow.style.gridColumn = column;
    this.arrow.dataset.to = line.to > line.from ? 'right' : 'left';
    this.element.classList.toggle('later', isLater);
    this.row.setAttribute('aria-label', [`${at} s`, line.who, line.words, line.result, this.why.textContent].filter(Boolean).join(', '));
    if (!this.row.matches('button')) this.row.setAttribute('role', 'note');
  }
}

/** A ladder. */
export class Ladder {
  constructor() {
    this.head = el('div', { class: 'lane-names', 'aria-hidden': 'true' });
    this.lanes = el('div', { class: 'lanes', 'aria-hidden': 'true' });
    this.list = el('ol', { class: 'rungs', 'aria-label': 'What passed between people, Graph and the bot' });
    this.body = el('div', { class: 'ladder-body' }, this.lanes, this.list);
    this.element = el('div', { class: 'ladder', tabindex: '0', role: 'region', 'aria-label': 'Ladder' }, this.head, this.body);
    this.names = '';
  }

  /** Draws what happened; what comes after `shown` lines is pale. */
  update(call, entries, shown) {
    const people = call ? peopleOf(call, entries) : [];
    this.lane([...people, 'Graph', 'bot']);
    const begun = call?.beganAt ?? (entries[0] ? begunAt(entries[0]) : 0);
    const isAtEnd = this.element.scrollTop + this.element.clientHeight >= this.element.scrollHeight - 8;
    sync(this.list, entries, (entry) => entry.number, (entry) => new Rung(entry), (rung, entry, place) => {
      rung.update({ line: lineOf(entry, people), at: seconds(Math.max(0, begunAt(entry) - begun)), isLater: place >= shown });
    });
    if (isAtEnd) this.element.scrollTop = this.element.scrollHeight;
  }

  lane(names) {
    const key = names.join('\n');
    if (key === this.names) return;
    this.names = key;
    const gaps = '9.5rem '.repeat(names.length - 2);
    this.element.style.setProperty('--columns', `4.25rem 2.75rem ${gaps}minmax(16rem, 1fr) 2.75rem`);
    const at = (place) => (element) => {
      element.style.gridColumn = String(place + 3);
      return element;
    };
    this.head.replaceChildren(...names.map((text, place) => at(place)(el('span', { text }))));
    this.lanes.replaceChildren(...names.map((_, place) => at(place)(el('span'))));
  }
}

/** State, roster and operations after the first `count` entries, as far as what the bot was told and answered says. */
export function asOf(call, entries, count) {
  const then = { state: call.direction === 'incoming' ? 'incoming' : 'establishing', roster: [], operations: new Map() };
  const operation = (data) => {
    if (data?.id && /Operation$/.test(data['@odata.type'] ?? '')) then.operations.set(data.id, { ...then.operations.get(data.id), ...data });
  };
  for (const entry of entries.slice(0, count)) {
    if (entry.kind === 'request') operation(entry.answer);
    if (entry.kind !== 'notification') continue;
    for (const { resourceUrl = '', resourceData: data } of entry.body?.value ?? []) {
      if (resourceUrl.endsWith('/participants') && Array.isArray(data)) then.roster = data;
      else if (resourceUrl.includes('/operations/')) operation({ id: resourceUrl.split('/').at(-1), ...data });
      else if (typeof data?.state === 'string') then.state = data.state;
    }
  }
  return { ...then, operations: [...then.operations.values()] };
}

/** A prompt has its own line, with its sound. */
const isDrawn = (entry) => entry.kind !== 'person' || entry.did !== 'hears a prompt';
export const begunAt = (entry) => entry.sentAt ?? entry.at;

/** What is drawn, in the order in which it began: what the bot asks before it takes a notification comes after it. */
export const drawn = (entries) =>
  entries.filter(isDrawn).sort((one, other) => begunAt(one) - begunAt(other) || one.number - other.number);
