// A call that was played by hand, as a scenario for `callflow test`.

import { begunAt, drawn, peopleOf } from './ladder.js';
import { plain } from './world.js';

const UUID = /^([0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;
/** What somebody did, as a step that does it again. */
const STEPS = [
  [/^presses (.)$/, (found) => `press ${found[1]}`],
  [/^speaks$/, () => 'speak 3s'],
  [/^mutes himself$/, () => 'mute'],
  [/^unmutes himself$/, () => 'unmute'],
  [/^hangs up$/, () => 'hang up'],
];

// What JSON writes for a text, TOML reads; but for one character.
const text = (value) => JSON.stringify(String(value)).replaceAll('\u007f', '\\u007f');
const list = (values) => `[${values.map(text).join(', ')}]`;
const table = (name, members) =>
  [`[[${name}]]`, ...Object.entries(members).filter(([, value]) => value !== undefined).map(([key, value]) => `${key} = ${value}`)].join('\n');
const time = (millis) => (millis % 1000 === 0 ? `${millis / 1000}s` : `${millis}ms`);
const rounded = (millis) => Math.max(0, Math.round(millis / 100) * 100);

function stepOf(did) {
  for (const [form, step] of STEPS) {
    const found = form.exec(did);
    if (found) return step(found);
  }
  return undefined;
}

/** What somebody does from `from` on, with the waits between. */
function steps(deeds, from) {
  const all = [];
  let before = from;
  for (const deed of deeds) {
    const step = stepOf(deed.did);
    if (!step) continue;
    const wait = rounded(begunAt(deed) - before);
    if (wait > 0) all.push(`wait ${time(wait)}`);
    all.push(step);
    before = begunAt(deed);
  }
  return all.at(-1) === 'hang up' ? all : [...all, 'await hang up'];
}

/** How a person behaved whose phone rang. */
function habit(deeds) {
  const rung = deeds.find((deed) => deed.did === 'is rung');
  const answered = deeds.find((deed) => /^(picks up|joins|declines|does not answer)$/.test(deed.did));
  if (!rung || !answered || answered.did === 'does not answer') return { when_rung: rung ? 'ignore' : 'ask', then: [] };
  if (answered.did === 'declines') return { when_rung: 'decline', then: [] };
  const after = rounded(begunAt(answered) - begunAt(rung));
  return { when_rung: `pick up after ${time(after)}`, then: steps(deeds, begunAt(answered)) };
}

function seen(entry) {
  if (entry.kind === 'person') return /^(hears|does not answer)/.test(entry.did) ? undefined : { person: text(`${entry.name} ${entry.did}`) };
  if (entry.kind === 'notification' && /^2\d\d$/.test(entry.result)) return { notification: text(entry.about) };
  if (entry.kind !== 'request' || entry.method === 'GET' || entry.path.endsWith('/keepAlive')) return undefined;
  const parts = entry.path.split('/communications').at(-1).replace(/\/$/, '').split('/');
  const path = parts.map((part) => (UUID.test(part) ? '{id}' : part)).join('/');
  const isTaken = entry.status >= 200 && entry.status < 300;
  return { request: text(`${entry.method} ${path}`), status: isTaken ? undefined : entry.status };
}

/** The scenario: who does what, and that the bot does again what it did. */
export function scenarioOf(call, all, permissions) {
  const entries = drawn(all);
  const began = call.beganAt;
  const lasted = entries.length ? begunAt(entries.at(-1)) - began : 0;
  const established = entries.find((entry) => entry.kind === 'notification' && /^updated call established/.test(entry.about));
  const deedsOf = (name) => entries.filter((entry) => entry.kind === 'person' && entry.name === name);
  const names = peopleOf(call, entries);
  const isAdded = (name) => deedsOf(name).find((deed) => deed.did === 'is added by the others');
  const caller = call.direction === 'incoming' ? names.find((name) => deedsOf(name).some((deed) => deed.did === 'calls the bot')) : undefined;
  const parts = [[
    `name = ${text(`by hand, ${new Date(began).toISOString()}`)}`,
    'shows = "What was done by hand, and what the bot made of it."',
    'source = "by hand"',
    `permissions = ${list(permissions)}`,
    // A minute is the limit where none is given.
    ...(lasted > 45_000 ? [`limit = ${text(time((Math.ceil(lasted / 1000) + 30) * 1000))}`] : []),
  ].join('\n')];
  for (const name of names) {
    const { when_rung, then } = habit(deedsOf(name));
    const isRung = name !== caller && !isAdded(name);
    parts.push(table('person', {
      name: text(name), when_rung: isRung ? text(when_rung) : undefined, then: isRung && then.length ? list(then) : undefined,
    }));
  }
  if (caller) {
    const [, ...deeds] = deedsOf(caller);
    const waits = established ? ['await answer'] : [];
    parts.push(table('call', { from: text(caller), then: list([...waits, ...steps(deeds, established ? begunAt(established) : began)]) }));
  } else {
    parts.push('# How this bot is told to call them: put its own request in the place of this one.\n'
      + table('tell', { path: text('/place'), body: `{ users = ${list(names.map((name) => `{${name}}`))} }` }));
  }
  for (const name of names) {
    const added = isAdded(name);
    if (!added) continue;
    const [, ...others] = deedsOf(name).map((deed) => deed.did);
    const note = others.length ? `# What ${JSON.stringify(name)} did then cannot be said yet: ${others.join(', ')}.\n` : '';
    parts.push(note + table('add', { person: text(name), at: text(time(rounded(begunAt(added) - began))) }));
  }
  for (const entry of entries) {
    const isLeftOut = entry.kind === 'person' && isAdded(entry.name) && entry.did !== 'is added by the others';
    const members = isLeftOut ? undefined : seen(entry);
    if (members) parts.push(table('see', members));
  }
  const result = call.result ? call.result.join('/') : 'none';
  parts.push(table('end', {
    state: text(call.state), result: text(result), kind: text(call.isGroup ? 'group' : 'peer-to-peer'),
  }));
  return `${parts.join('\n\n')}\n`;
}

/** The file's name. */
export const fileOf = (call) => `call-${plain(call.id).slice(0, 8)}.toml`;
