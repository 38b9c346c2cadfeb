// One model: try it, see how it does, and how to call it.

import { h, say } from './dom.js';
import { ago, bytes, number, plain, rate, seconds, shape } from './figures.js';
import { answered, QUANTILES, quantile } from './history.js';
import { stateBadge } from './overview.js';
import { plot } from './plot.js';
import { tryView } from './try.js';

const WORKER_WORDS = { spawning: 'starting', warming: 'warming up', idle: 'idle', busy: 'busy', retiring: 'retiring', closing: 'ending' };

function figuresOf() {
  const plots = [
    plot('Throughput', [{ key: 'rate', label: 'answers' }, { key: 'failures', label: 'refused or failed', colour: 2 }], rate),
    plot('Latency', [{ key: 'p50', label: 'p50' }, { key: 'p95', label: 'p95', colour: 1 }, { key: 'p99', label: 'p99', colour: 2 }], seconds),
    plot('Queue', [{ key: 'waiting', label: 'waiting' }, { key: 'inFlight', label: 'in flight', colour: 1 }], plain),
    plot('Batch size', [{ key: 'batch', label: 'mean' }], plain),
  ];
  const names = ['State', 'Workers', 'Memory', 'Requests', 'Failed', 'Latency since the start', 'Restarts'];
  const facts = new Map(names.map((name) => [name, h('dd')]));
  return {
    element: h('section', { 'aria-labelledby': 'live' }, h('h2', { id: 'live' }, 'Live'),
      h('div', { class: 'plots' }, plots.map((each) => each.element)),
      h('dl', { class: 'rows' }, names.map((name) => h('div', {}, h('dt', {}, name), facts.get(name))))),
    update(model, series) {
      plots.forEach((each) => each.update(series));
      const workers = Object.entries(model.workers).filter(([, count]) => count);
      const restarts = Object.entries(model.restarts);
      say(facts.get('State'), model.since ? `${model.state} for ${ago(model.since)}` : model.state);
      say(facts.get('Workers'), workers.map(([state, count]) => `${count} ${WORKER_WORDS[state] || state}`).join(', ') || 'none');
      say(facts.get('Memory'), bytes(Object.values(model.memoryBytes).reduce((all, size) => all + size, 0)));
      say(facts.get('Requests'), number(answered(model)));
      say(facts.get('Failed'), number(answered(model, 500)));
      say(facts.get('Latency since the start'), Object.entries(QUANTILES).map(([name, share]) => `${name} ${seconds(quantile(model.seconds, share))}`).join(' · '));
      say(facts.get('Restarts'), restarts.map(([why, count]) => `${count} (${why.replace(/_/g, ' ')})`).join(', ') || 'none');
    },
  };
}

function tensors(title, list, kind) {
  return list.map((each) => h('tr', {}, h('th', { scope: 'row' }, title), h('td', {}, h('code', {}, each.name)),
    h('td', {}, kind(each)), h('td', {}, shape(each.shape))));
}

function signatureTable(signature) {
  const output = { 'image/jpeg': 'picture', 'application/json': 'JSON' }[signature.outputType] || signature.outputType;
  return h('section', { 'aria-labelledby': 'signature' }, h('h2', { id: 'signature' }, 'Signature'),
    h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Inputs and outputs' }, h('table', {},
      h('thead', {}, h('tr', {}, ['', 'Name', 'Kind', 'Shape'].map((text) => (text ? h('th', { scope: 'col' }, text) : h('td'))))),
      h('tbody', {},
        tensors('In', signature.inputs, (each) => (each.type === 'image/jpeg' ? 'picture' : 'JSON')),
        tensors('Out', signature.outputs, () => output)))));
}

export function modelView(name, server) {
  const signature = server.described.models[name];
  const badge = stateBadge();
  const figures = figuresOf();
  const reason = h('div', { class: 'notice bad', hidden: true });
  const trying = tryView(name, signature);
  return {
    title: name,
    element: h('div', {},
      h('p', { class: 'crumbs' }, h('a', { href: '#/' }, '← Models')),
      h('div', { class: 'title' }, h('h1', {}, name), server.seesFigures ? badge.element : null), reason,
      h('div', { class: 'columns' },
        h('div', { class: 'column' }, trying.element),
        h('div', { class: 'column side' }, server.seesFigures ? figures.element : null, signatureTable(signature)))),
    update() {
      const model = server.history.latest?.models[name];
      if (!model) return;
      badge.update(model.state);
      reason.hidden = !model.reason;
      say(reason, model.reason);
      figures.update(model, server.history.series(name));
    },
    close: trying.close,
  };
}
