// Small plots that are drawn anew with each turn.

import { h, say, svg } from './dom.js';
import { NONE } from './figures.js';

const WIDTH = 300;
const HEIGHT = 80;
const SPAN = 300;

const last = (values) => (values.length ? values[values.length - 1] : null);

/** The nearest 1, 2 or 5 above: what an axis ends with. */
function ceiling(value) {
  if (!value) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((bound) => bound >= value * 1.0001) || value;
}

function path(seconds, values, top, span) {
  let text = '';
  let pen = 'M';
  values.forEach((value, place) => {
    if (value === null) {
      pen = 'M';
      return;
    }
    const x = WIDTH * (1 + seconds[place] / span);
    const y = HEIGHT * (1 - value / top);
    // A point by itself is a short line.
    const isAlone = pen === 'M' && (values[place + 1] ?? null) === null;
    text += isAlone ? `M${(x - 3).toFixed(1)} ${y.toFixed(1)}h3` : `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = 'L';
  });
  return text;
}

/** The time that a plot shows: what there is, in steps, so that a new page is not empty. */
const spanOf = (seconds) => [30, 60, 120, SPAN].find((size) => size >= -(seconds[0] || 0)) || SPAN;

const drawing = (paths, more = []) => svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' }, ...more, ...paths);

/** A plot of some lines, with a legend that has their values, now or where the pointer is. */
export function plot(title, lines, format) {
  const values = lines.map(() => h('b', {}, NONE));
  const paths = lines.map((line, place) => svg('path', { class: `line line-${line.colour ?? place}` }));
  const mark = svg('path', { class: 'mark' });
  const grid = svg('path', { class: 'grid', d: `M0 ${HEIGHT / 2}H${WIDTH}M0 .5H${WIDTH}` });
  const canvas = drawing(paths, [grid, mark]);
  const top = h('span', { class: 'top-label' });
  const from = h('span');
  const when = h('span', {}, 'now');
  const told = h('span', { class: 'unseen' });
  const area = h('div', { class: 'area' }, canvas, top);
  let series = { seconds: [] };
  let at = null;

  function show() {
    const place = at === null ? series.seconds.length - 1 : at;
    lines.forEach((line, index) => say(values[index], format((series[line.key] || [])[place] ?? null)));
    say(when, at === null ? 'now' : `${Math.round(-series.seconds[at])} s ago`);
    const x = at === null ? -1 : WIDTH * (1 + series.seconds[at] / spanOf(series.seconds));
    mark.setAttribute('d', at === null ? '' : `M${x} 0V${HEIGHT}`);
  }

  area.addEventListener('pointermove', (event) => {
    const box = area.getBoundingClientRect();
    const second = -spanOf(series.seconds) * (1 - (event.clientX - box.left) / box.width);
    const nearest = series.seconds.reduce((best, value, place) => (
      best === null || Math.abs(value - second) < Math.abs(series.seconds[best] - second) ? place : best), null);
    at = nearest;
    show();
  });
  area.addEventListener('pointerleave', () => { at = null; show(); });

  return {
    element: h('figure', { class: 'plot' },
      h('figcaption', {}, h('span', { class: 'plot-title' }, title),
        h('span', { class: 'legend' }, lines.map((line, place) => h('span', {},
          lines.length > 1 ? h('i', { class: `key key-${line.colour ?? place}` }) : null,
          lines.length > 1 ? `${line.label} ` : null, values[place])))),
      area, h('div', { class: 'axis', 'aria-hidden': 'true' }, from, when), told),
    update(found) {
      series = found;
      const all = lines.flatMap((line) => found[line.key]).filter((value) => value !== null);
      const bound = ceiling(Math.max(0, ...all));
      const span = spanOf(found.seconds);
      lines.forEach((line, place) => paths[place].setAttribute('d', path(found.seconds, found[line.key], bound, span)));
      say(top, all.length ? format(bound) : '');
      say(from, span < 60 ? `${span} s ago` : `${span / 60} min ago`);
      at = null;
      show();
    },
  };
}

/** One line without words. */
export function sparkline(key) {
  const line = svg('path', { class: 'line line-0' });
  const element = h('div', { class: 'spark' }, drawing([line]));
  return {
    element,
    update(found) {
      const top = Math.max(0, ...found[key].filter((value) => value !== null));
      line.setAttribute('d', path(found.seconds, found[key], (top || 1) * 1.05, spanOf(found.seconds)));
    },
  };
}

export { last };
