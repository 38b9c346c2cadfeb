// The page of the management port: models are loaded, scaled, replaced and removed.

import { ask, askJSON, facts, pageURL } from './api.js';
import { announce, byId, h, say, unique } from './dom.js';
import { bytes, number, seconds } from './figures.js';
import { stateBadge } from './overview.js';
import { askForToken, tokenButton } from './token.js';

const TURN_MS = 2000;
const MOST_DETAILS = 50;

const urlOf = (name) => `models/${encodeURIComponent(name)}`;
const send = (path, method, body) => ask(path, { method, ...(body ? { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } } : {}) });

function field(title, properties = {}) {
  const input = h('input', { id: unique('field'), ...properties });
  return { input, element: h('div', { class: 'field' }, h('label', { htmlFor: input.id }, title), input) };
}

/** A form that sends something, and says what came of it. */
function form(fields, verb, act, { danger = false, done = () => {} } = {}) {
  const told = h('p', { class: 'told', role: 'status' });
  const button = h('button', { class: danger ? 'danger' : 'primary', disabled: !facts.changes }, verb);
  return h('form', { class: 'act', onsubmit: async (event) => {
    event.preventDefault();
    button.disabled = true;
    told.className = 'told';
    say(told, 'Under way …');
    try {
      say(told, await act());
      done();
    } catch (failure) {
      told.className = 'told wrong';
      say(told, `${failure.title || ''}: ${failure.message}`.replace(/^: /, ''));
      if (failure.status === 401) await askForToken(failure.message);
    }
    button.disabled = false;
  } }, fields.map((each) => each.element), button, told);
}

function loader() {
  const location = field('Archive', { required: true, placeholder: 'flowers.model, s3://bucket/flowers.model, https://…', spellcheck: 'false', name: 'url' });
  const name = field('Name', { placeholder: 'that in the archive', spellcheck: 'false', name: 'model_name' });
  const workers = field('Workers', { type: 'number', min: 1, placeholder: 'as pays', name: 'initial_workers' });
  return h('section', { 'aria-labelledby': 'load', class: 'panel' }, h('h2', { id: 'load' }, 'Load a model'),
    form([location, name, workers], 'Load', async () => {
      const asked = { url: location.input.value.trim(), synchronous: true };
      if (name.input.value.trim()) asked.model_name = name.input.value.trim();
      if (workers.input.value) asked.initial_workers = Number(workers.input.value);
      await send('models', 'POST', asked);
      const told = `${asked.model_name || asked.url} is served.`;
      for (const each of [location, name, workers]) each.input.value = '';
      announce(told);
      return told;
    }));
}

function confirmRemoval(name, remove) {
  const dialog = h('dialog', { 'aria-label': `Remove ${name}` },
    h('h2', {}, `Remove ${name}?`), h('p', {}, 'Requests that are in flight are finished; new ones are answered 404. The archive stays where it is.'));
  dialog.append(h('div', { class: 'actions' },
    h('button', { type: 'button', onclick: () => dialog.close() }, 'Keep it'),
    form([], 'Remove it', async () => { await remove(); dialog.close(); return ''; }, { danger: true })));
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function card(name) {
  const badge = stateBadge();
  const reason = h('p', { class: 'reason', hidden: true });
  const where = h('p', { class: 'muted small break' });
  const names = ['Workers', 'Requests', 'Median', 'p99', 'Queue', 'Memory'];
  const values = new Map(names.map((each) => [each, h('dd')]));
  const least = field('At least', { type: 'number', min: 0, required: true });
  const most = field('At most', { type: 'number', min: 0, placeholder: 'the same' });
  const location = field('Archive', { required: true, spellcheck: 'false' });
  const url = pageURL(facts.models);
  const tryLink = url ? h('a', { href: `${url}#/models/${encodeURIComponent(name)}`, target: '_blank', rel: 'noopener' }, 'Try it') : null;
  let isTouched = false;
  for (const each of [least, most]) each.input.addEventListener('input', () => { isTouched = true; });

  const scale = form([least, most], 'Scale', async () => {
    const asked = { min_worker: Number(least.input.value), synchronous: true };
    if (most.input.value) asked.max_worker = Number(most.input.value);
    await send(urlOf(name), 'PUT', asked);
    isTouched = false;
    return 'Done.';
  });
  const replace = form([location], 'Replace', async () => {
    await send(urlOf(name), 'PUT', { url: location.input.value.trim(), synchronous: true });
    return 'The new one answers.';
  });
  return {
    element: h('li', { class: 'card managed', 'data-model': name },
      h('div', { class: 'card-head' }, h('h2', {}, name), badge.element), where, reason,
      h('dl', { class: 'facts' }, names.map((each) => h('div', {}, h('dt', {}, each), values.get(each)))),
      h('details', {}, h('summary', {}, 'Scale'), scale),
      h('details', {}, h('summary', {}, 'Replace'), replace),
      h('div', { class: 'card-foot' }, tryLink, h('button', { type: 'button', class: 'quiet danger-text', disabled: !facts.changes, onclick: () => confirmRemoval(name, () => send(urlOf(name), 'DELETE')) }, 'Remove'))),
    update(model) {
      const { replacement } = model;
      badge.update(model.status);
      const why = replacement ? `Replacement ${replacement.status}${replacement.reason ? `: ${replacement.reason}` : ''}` : model.reason;
      reason.hidden = !why;
      say(reason, why || '');
      say(where, model.modelUrl);
      say(values.get('Workers'), `${model.workers.length}${model.maxWorkers > model.minWorkers ? ` (${model.minWorkers} to ${model.maxWorkers})` : ''}`);
      say(values.get('Requests'), number(model.requests?.answered));
      say(values.get('Median'), model.requests?.answered ? seconds(model.latencySeconds.p50) : seconds(null));
      say(values.get('p99'), model.requests?.answered ? seconds(model.latencySeconds.p99) : seconds(null));
      say(values.get('Queue'), number(model.queue?.requests));
      say(values.get('Memory'), bytes(model.memoryBytes));
      if (!isTouched && !least.element.contains(document.activeElement)) least.input.value = model.minWorkers;
      if (!location.input.value && document.activeElement !== location.input) location.input.value = model.modelUrl;
    },
  };
}

/** The view, and its turns. */
export function managing(main) {
  const list = h('ul', { class: 'cards wide' });
  const empty = h('p', { class: 'empty', hidden: true }, 'No model is there: load one.');
  const cards = new Map();
  const url = pageURL(facts.models);
  byId('nav').append(url ? h('a', { href: url }, 'Models') : '', h('a', { href: 'docs', target: '_blank', rel: 'noopener' }, 'API'), tokenButton(turnNow));
  main.replaceChildren(h('div', {}, h('h1', {}, 'Management'),
    facts.changes ? null : h('div', { class: 'notice' }, 'This port asks for no token, so pages of browsers change nothing. Start the server with ', h('code', {}, '--management-token FILE'), ' to change models here.'),
    loader(), list, empty));
  document.title = 'Management · MXNet Model Server';

  async function look() {
    const { models } = await askJSON('models');
    const shown = models.slice(0, MOST_DETAILS);
    const described = await Promise.all(shown.map(({ modelName }) => askJSON(urlOf(modelName)).catch((failure) => {
      if (failure.status !== 404) throw failure;
      return null;
    })));
    shown.forEach(({ modelName }, place) => {
      if (!described[place]) return;
      if (!cards.has(modelName)) {
        cards.set(modelName, card(modelName));
        list.append(cards.get(modelName).element);
      }
      cards.get(modelName).update(described[place]);
    });
    for (const [name, { element }] of cards) {
      if (shown.some(({ modelName }, place) => modelName === name && described[place])) continue;
      element.remove();
      cards.delete(name);
    }
    empty.hidden = cards.size > 0;
    say(byId('server'), models.length > shown.length ? `${shown.length} of ${models.length} models` : '');
  }

  let timer = 0;
  let isTurning = false;
  async function turn() {
    isTurning = true;
    let pause = TURN_MS;
    if (!document.hidden) {
      try {
        await look();
        byId('banner').replaceChildren();
      } catch (failure) {
        if (failure.status === undefined) throw failure;
        if (failure.status === 401) {
          await askForToken(failure.message);
          pause = 0;
        } else {
          byId('banner').replaceChildren(h('div', { class: 'notice bad' }, h('strong', {}, failure.title), ' ', failure.hint || failure.message));
          pause = Math.max(pause, failure.retryAfter * 1000);
        }
      }
    }
    isTurning = false;
    timer = setTimeout(turn, pause);
  }
  function turnNow() {
    if (isTurning) return;
    clearTimeout(timer);
    turn();
  }
  turn();
}
