// The page: it loads what there is, and draws whatever changes.

import { api } from './api.js';
import { announce, attempt, say } from './dom.js';
import { begin, callsOf, load, onChange, world } from './world.js';
import * as calls from './calls.js';
import * as phones from './phones.js';
import * as settings from './settings.js';
import * as sound from './sound.js';

const connection = document.getElementById('connection');
onChange(() => {
  say(connection, world.connection);
  connection.dataset.is = world.connection;
  const ringing = world.people.filter((person) => callsOf(person.id).some((call) => call.people[person.id] === 'ringing'));
  const title = ringing.length ? `${ringing.map((person) => person.name).join(', ')}: the phone rings` : 'callflow simulator';
  if (document.title !== title) document.title = title;
  phones.draw();
  calls.draw();
});

document.getElementById('reset').addEventListener('click', () => attempt(async () => {
  if (!confirm('End all calls, and forget what happened and whom you added?')) return;
  await api.reset();
  await load();
  announce('The simulator begins anew');
}));

sound.begin(document.getElementById('sound'));
settings.begin();
begin();
