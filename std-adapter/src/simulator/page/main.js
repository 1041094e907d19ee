// The page: it loads what there is, and draws whatever changes.

import { api } from './api.js';
import { announce, attempt, say } from './dom.js';
import { begin, load, onChange, world } from './world.js';
import * as calls from './calls.js';
import * as phones from './phones.js';
import * as settings from './settings.js';
import * as sound from './sound.js';

const connection = document.getElementById('connection');
onChange(() => {
  say(connection, world.connection);
  connection.dataset.is = world.connection;
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
