// People, apps and faults: who there is, and what goes wrong on purpose.

import { api } from './api.js';
import { announce, attempt, button, el } from './dom.js';
import { loadPeople, world } from './world.js';

const HABITS = ['ask', 'pick up after 2s', 'decline', 'ignore'];
const PERMISSIONS = [
  'Calls.AccessMedia.All',
  'Calls.Initiate.All',
  'Calls.InitiateGroupCall.All',
  'Calls.JoinGroupCall.All',
  'Calls.JoinGroupCallAsGuest.All',
];
/** What can go wrong, and what that is. */
const FAULTS = [
  ['notification-late', 'A notification comes late, and is overtaken by others.'],
  ['notification-twice', 'A notification is posted twice.'],
  ['notification-reordered', 'A notification comes after the next one of its call.'],
  ['notification-lost', 'A notification is lost.'],
  ['notification-first', 'What a request brings about is told before the request is answered.'],
  ['throttled', 'A request is answered with 429 and Retry-After, and nothing is done.'],
  ['failed-before', 'A request is answered with 503, and nothing is done.'],
  ['failed-after', 'A request is answered with 503, and done all the same.'],
  ['cut-before', 'The connection is cut before anything is done.'],
  ['cut-after', 'What is asked is done, and the connection is cut.'],
  ['slow-answer', 'An answer takes long.'],
  ['passing-not-found', 'A call that there is gets a bare 404, once.'],
  ['token-expired', 'A token is refused as if it had expired.'],
  ['key-rotated', 'The key that signs notifications is another one from now on.'],
];

const field = (text, input) => el('label', { class: 'field' }, el('span', { text }), input);
const input = (name, value, about = {}) => el('input', { name, value: value ?? '', autocomplete: 'off', spellcheck: 'false', ...about });

/** A form that says whether it was saved, and with `remove` has a button for it. */
function form(title, fields, send, remove) {
  const saved = el('span', { class: 'saved', role: 'status' });
  const made = el('form', { class: 'card' }, el('h4', { text: title }), ...fields,
    el('div', { class: 'actions' }, el('button', { type: 'submit', text: 'Save' }),
      remove && button('Remove', () => attempt(async () => {
        await remove();
        await loadPeople();
        drawSettings('button');
      }), { class: 'stop' }), saved));
  const tell = (text, isBad) => {
    saved.textContent = text;
    saved.dataset.is = isBad ? 'bad' : 'good';
  };
  made.addEventListener('input', () => tell('', false));
  made.addEventListener('submit', async (event) => {
    event.preventDefault();
    try {
      await send(new FormData(made));
      tell('Saved', false);
    } catch (error) {
      tell(error.message, true);
    }
  });
  return made;
}

function personForm(person) {
  const send = async (data) => {
    const then = data.get('then').split(',').map((step) => step.trim()).filter(Boolean);
    const id = person?.id ?? crypto.randomUUID();
    await api.putPerson({ ...person, id, name: data.get('name').trim(), when_rung: data.get('when_rung').trim(), then });
    await loadPeople();
    if (!person) drawSettings('.cards:first-of-type form:last-child input');
  };
  const fields = [
    field('Name', input('name', person?.name, { required: true })),
    field('When rung', input('when_rung', person?.when_rung ?? 'ask', { list: 'habits', required: true })),
    field('Then, where he picks up by himself', input('then', person?.then?.join(', '), { placeholder: 'await prompt end, press 1' })),
  ];
  return form(person ? person.name : 'Somebody new', fields, send, person && (() => api.removePerson(person.id)));
}

function appForm(app) {
  const names = [...new Set([...PERMISSIONS, ...(app?.permissions ?? [])])];
  const permissions = el('fieldset', {}, el('legend', { text: 'Permissions' }), ...names.map((name) =>
    el('label', { class: 'check' },
      el('input', { type: 'checkbox', name: 'permissions', value: name, checked: app?.permissions.includes(name) }), name)));
  const send = async (data) => {
    const changed = {
      id: app?.id ?? data.get('id').trim(),
      tenant: data.get('tenant').trim(),
      callback: data.get('callback').trim(),
      permissions: data.getAll('permissions'),
    };
    // Left out, it stays what it is.
    if (data.get('secret')) changed.secret = data.get('secret');
    await api.putApp(changed);
    await loadPeople();
    if (!app) drawSettings('.cards:last-of-type form:last-child input');
  };
  const fields = [
    app ? undefined : field('Application id', input('id', '', { required: true })),
    field('Tenant', input('tenant', app?.tenant, { required: true })),
    field('Callback', input('callback', app?.callback, { type: 'url', required: true })),
    field(app ? 'Secret (empty: as it is)' : 'Secret, made up', input('secret', '', { type: 'password', required: !app, autocomplete: 'new-password' })),
    permissions,
  ].filter(Boolean);
  return form(app ? `App ${app.id}` : 'Another app', fields, send, app && (() => api.removeApp(app.id)));
}

const settings = document.getElementById('settings');
const faults = document.getElementById('faults');

const heading = (dialog, id, text) => el('header', { class: 'dialog-head' },
  el('h2', { id, text }), button('Close', () => dialog.close()));

/** Draws all anew, and gives the focus to what stands in the place of what had it. */
function drawSettings(focused) {
  settings.replaceChildren(
    heading(settings, 'settings-title', 'People and apps'),
    el('datalist', { id: 'habits' }, ...HABITS.map((value) => el('option', { value }))),
    el('h3', { text: 'People' }), el('div', { class: 'cards' }, ...world.people.map(personForm), personForm()),
    el('h3', { text: 'Apps' }), el('div', { class: 'cards' }, ...world.apps.map(appForm), appForm()),
  );
  if (focused) settings.querySelector(focused)?.focus();
}

/** Of each fault how many of a hundred, the times, and the seed. */
function drawFaults(now) {
  const number = (name, value, max) => input(name, value, { type: 'number', min: '0', step: '1', max });
  const fields = FAULTS.map(([name, about]) => {
    const made = field(name.replaceAll('-', ' '), number(name, now.chances[name] ?? 0, '100'));
    made.append(el('span', { class: 'about', text: about }));
    return made;
  });
  const others = [
    field('late by at most', input('lateBy', now.lateBy, { required: true })),
    field('slow by at most', input('slowBy', now.slowBy, { required: true })),
    field('seed', number('seed', now.seed)),
  ];
  const send = async (data) => {
    const chances = FAULTS.map(([name]) => [name, Number(data.get(name))]).filter(([, chance]) => chance > 0);
    await api.putFaults({
      seed: Number(data.get('seed')), lateBy: data.get('lateBy'), slowBy: data.get('slowBy'),
      chances: Object.fromEntries(chances),
    });
    announce('The faults are changed');
  };
  const none = button('None', () => {
    for (const [name] of FAULTS) made.elements[name].value = '0';
  });
  const made = form('Of a hundred, so many', [el('div', { class: 'fields' }, ...fields), el('div', { class: 'fields' }, ...others)], send);
  made.querySelector('[type=submit]').after(none);
  faults.replaceChildren(heading(faults, 'faults-title', 'Faults'),
    el('p', { class: 'hint', text: 'What goes wrong on purpose. The same seed and the same calls give the same faults.' }), made);
}

export function begin() {
  document.getElementById('open-settings').addEventListener('click', () => {
    drawSettings();
    settings.showModal();
  });
  document.getElementById('open-faults').addEventListener('click', () => attempt(async () => {
    drawFaults(await api.faults());
    faults.showModal();
  }));
}
