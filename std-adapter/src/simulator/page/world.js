// What the page knows of the simulator: people, apps, calls, and what happened in them.

import { api } from './api.js';

/** What is not of any call, as a refused creation. */
export const NO_CALL = '';
/** How often calls that are up are looked at, where nothing tells of a change. */
const LOOK = 2000;
/** How many calls are kept; those that ended are forgotten, the oldest first. */
const KEPT = 1000;

// Ids of incoming calls are written in several ways.
export const plain = (id) => (id ?? '').replaceAll('-', '').toLowerCase();

export const world = {
  instance: undefined,
  people: [],
  apps: [],
  /** By their ids in one spelling. */
  calls: new Map(),
  /** What happened, by the ids of the calls in one spelling. */
  entries: new Map(),
  /** The simulator's clock, less ours. */
  ahead: 0,
  connection: 'connecting',
};

const changed = new Set();
const happened = new Set();
export const onChange = (listener) => changed.add(listener);
/** Told of each entry as it comes, not of those before. */
export const onEntry = (listener) => happened.add(listener);

let drawing = false;
export function tell() {
  if (drawing) return;
  drawing = true;
  const draw = () => {
    drawing = false;
    for (const listener of changed) listener();
  };
  // A page in the background has no frames.
  if (document.hidden) setTimeout(draw, 100);
  else requestAnimationFrame(draw);
}

export const now = () => Date.now() + world.ahead;
export const isLive = (call) => call.state !== 'terminated';
export const liveCalls = () => [...world.calls.values()].filter(isLive);
export const callsOf = (person) => liveCalls().filter((call) => call.people[person] && call.people[person] !== 'left');
export const entriesOf = (id) => world.entries.get(plain(id)) ?? [];
export const nameOf = (id) => world.people.find((person) => person.id === id)?.name ?? id;
export const personNamed = (name) => world.people.find((person) => person.name === name);

let newest = 0;
let events;

function keep(entry) {
  if (entry.number <= newest) return false;
  newest = entry.number;
  const id = plain(entry.call ?? NO_CALL);
  if (!world.entries.has(id)) world.entries.set(id, []);
  world.entries.get(id).push(entry);
  return true;
}

export function keepCall(call) {
  world.calls.set(plain(call.id), call);
  if (world.calls.size > KEPT) {
    const [oldest] = [...world.calls].find(([, one]) => !isLive(one)) ?? [];
    if (oldest) forget(oldest);
  }
  tell();
}

/** Loads all anew. */
export async function load() {
  const [about, people, apps, calls, history] = await Promise.all([
    api.about(), api.people(), api.apps(), api.calls(), api.history(),
  ]);
  events?.close();
  world.instance = about.instance;
  world.ahead = about.now - Date.now();
  world.people = people;
  world.apps = apps;
  world.calls = new Map(calls.map((call) => [plain(call.id), call]));
  world.entries = new Map();
  newest = 0;
  history.forEach(keep);
  tell();
  follow();
}

function follow() {
  events = api.events(newest);
  events.onopen = async () => {
    const about = await api.about().catch(() => undefined);
    if (about && about.instance !== world.instance) return void load().catch(() => later());
    connectionIs('connected');
    look();
  };
  events.onerror = () => {
    connectionIs('reconnecting');
    if (events.readyState === EventSource.CLOSED) later();
  };
  events.onmessage = (event) => {
    const entry = JSON.parse(event.data);
    if (!keep(entry)) return;
    for (const listener of happened) listener(entry);
    if (entry.call) refresh(entry.call);
    tell();
  };
}

let waiting;
/** A browser gives up where the answer is none: we do not. */
function later() {
  connectionIs('reconnecting');
  clearTimeout(waiting);
  waiting = setTimeout(() => load().catch(later), 1000);
}

export async function begin() {
  await load().catch(later);
  setInterval(look, LOOK);
}

function connectionIs(connection) {
  if (world.connection === connection) return;
  world.connection = connection;
  tell();
}

export async function loadPeople() {
  [world.people, world.apps] = await Promise.all([api.people(), api.apps()]);
  tell();
}

const due = new Map();
/** Looks at a call soon, once, however much happens in it. */
function refresh(id) {
  if (due.has(id)) return;
  due.set(id, setTimeout(async () => {
    due.delete(id);
    try {
      keepCall(await api.call(id));
    } catch (error) {
      if (error.status !== 404) return;
      forget(id);
    }
  }, 60));
}

/** It is gone by a reset. */
function forget(id) {
  world.calls.delete(plain(id));
  world.entries.delete(plain(id));
  tell();
}

function look() {
  if (world.connection === 'connected') liveCalls().slice(-20).forEach((call) => refresh(call.id));
}
