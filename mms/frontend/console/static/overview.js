// All models of the server, each as a card.

import { h, say } from './dom.js';
import { number, plain, rate, seconds, shape } from './figures.js';
import { answered, quantile } from './history.js';
import { last, sparkline } from './plot.js';

export const modelURL = (name) => `#/models/${encodeURIComponent(name)}`;

const STATES = { ready: 'Ready', loading: 'Loading', degraded: 'Degraded', failed: 'Failed', draining: 'Stopping', unloaded: 'Not loaded', missing: 'Missing' };

/** What a model is at, in a word and a colour. */
export function stateBadge() {
  const element = h('span', { class: 'badge' });
  return {
    element,
    update(state) {
      element.className = `badge state-${state}`;
      say(element, STATES[state] || state);
    },
  };
}

/** What a model takes, in a few words. */
export function takes(signature) {
  const kinds = signature.inputs.map((input) => (input.type === 'image/jpeg' ? 'a picture' : `${input.name} (${shape(input.shape)})`));
  return `Takes ${kinds.join(', ')}`;
}

function fact(title) {
  const value = h('dd');
  return { element: h('div', {}, h('dt', {}, title), value), say: (text) => say(value, text) };
}

function card(name, server) {
  const badge = stateBadge();
  const spark = sparkline('rate');
  const [asked, time, waits, workers] = ['Requests', 'Median', 'Queue', 'Workers'].map(fact);
  const reason = h('p', { class: 'reason', hidden: true });
  const signature = server.described.models[name];
  const heading = h('h2', {}, signature ? h('a', { href: modelURL(name) }, name) : name);
  return {
    element: h('li', { class: 'card', 'data-model': name },
      h('div', { class: 'card-head' }, heading, server.seesFigures ? badge.element : null),
      h('p', { class: 'muted takes' }, signature ? takes(signature) : 'No worker has it'),
      reason,
      server.seesFigures ? [spark.element, h('dl', { class: 'facts' }, [asked, time, waits, workers].map((each) => each.element))] : null),
    update(model, series) {
      if (!model) return;
      badge.update(model.state);
      reason.hidden = !model.reason;
      say(reason, model.reason);
      spark.update(series);
      const now = last(series.rate);
      asked.say(now ? rate(now) : `${number(answered(model))} in all`);
      time.say(seconds(last(series.p50) ?? quantile(model.seconds, 0.5)));
      waits.say(plain(model.waiting));
      workers.say(number(Object.values(model.workers).reduce((all, count) => all + count, 0)));
    },
  };
}

/** The view; `missing` is the name of a model that the address has and the server has not. */
export function overview(server, missing) {
  const list = h('ul', { class: 'cards' });
  const empty = h('p', { class: 'empty', hidden: true }, 'No model is served yet. ', h('code', {}, 'mxnet-model-server --models NAME=FILE.model'), ' starts a server with one; the management port takes them while it runs.');
  const remarks = h('ul', { class: 'remarks' });
  const cards = new Map();
  return {
    title: '',
    element: h('div', {},
      missing ? h('div', { class: 'notice' }, `Model ${missing} is not served here.`) : null,
      server.seesFigures ? null : h('div', { class: 'notice' }, 'Your token may try models. Figures need a token of the scope ', h('code', {}, 'metrics'), '.'),
      h('h1', {}, 'Models'), remarks, list, empty),
    update() {
      const models = server.history.latest?.models || {};
      const names = [...new Set([...Object.keys(server.described.models), ...Object.keys(models)])];
      for (const name of names) {
        if (!cards.has(name)) {
          cards.set(name, card(name, server));
          list.append(cards.get(name).element);
        }
        cards.get(name).update(models[name], server.history.series(name));
      }
      for (const [name, { element }] of cards) {
        if (names.includes(name)) continue;
        element.remove();
        cards.delete(name);
      }
      empty.hidden = names.length > 0;
      remarks.replaceChildren(...(server.history.latest?.server.remarks || []).map((text) => h('li', { class: 'notice' }, text)));
    },
  };
}
