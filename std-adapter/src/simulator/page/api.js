// The control API.

const at = (...parts) => '/sim/v1' + parts.map((part) => '/' + encodeURIComponent(part)).join('');

/** What a request was refused with. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function ask(method, path, body, type = 'application/json') {
  const about = { method, headers: {} };
  if (body !== undefined) {
    about.headers['content-type'] = type;
    about.body = type === 'application/json' ? JSON.stringify(body) : body;
  }
  let answer;
  try {
    answer = await fetch(path, about);
  } catch {
    throw new Refused(0, 'The simulator does not answer.');
  }
  const text = await answer.text();
  let json;
  try {
    json = text ? JSON.parse(text) : undefined;
  } catch {
    json = undefined;
  }
  if (!answer.ok) {
    const said = json?.error?.message ?? json?.error ?? text;
    throw new Refused(answer.status, String(said || `Refused with ${answer.status}.`));
  }
  return json;
}

export const api = {
  about: () => ask('GET', at()),
  reset: () => ask('POST', at('reset')),
  people: () => ask('GET', at('people')),
  putPerson: (person) => ask('PUT', at('people', person.id), person),
  removePerson: (id) => ask('DELETE', at('people', id)),
  apps: () => ask('GET', at('apps')),
  putApp: (app) => ask('PUT', at('apps', app.id), app),
  removeApp: (id) => ask('DELETE', at('apps', id)),
  calls: () => ask('GET', at('calls')),
  call: (id) => ask('GET', at('calls', id)),
  start: (from, to, recording) => ask('POST', at('calls'), { from, to, recording }),
  act: (call, person, does) => ask('POST', at('calls', call, 'people', person), { does }),
  speak: (call, person, wav) => ask('POST', at('calls', call, 'people', person, 'speech'), wav, 'audio/wav'),
  history: () => ask('GET', at('history')),
  faults: () => ask('GET', at('faults')),
  putFaults: (faults) => ask('PUT', at('faults'), faults),
  events: (after) => new EventSource(`${at('events')}?after=${after}`),
};
