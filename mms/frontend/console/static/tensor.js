// A tensor or a list for a model: a form of numbers where there are few, else JSON.

import { h, unique } from './dom.js';
import { shape } from './figures.js';

const FEW = 12;
const MOST_WRITTEN = 20000;

const nested = (sizes, make) => (sizes.length
  ? Array.from({ length: Math.max(1, sizes[0]) }, () => nested(sizes.slice(1), make)) : make());
/** A list also where the shape has no lengths: a request has no other values. */
const filled = (sizes, make) => (sizes.length ? nested(sizes, make) : [make()]);
const volume = (sizes) => sizes.reduce((all, size) => all * Math.max(1, size), 1);

/** What is wrong with a value; empty where nothing is known to be. */
function wrongWith(value, sizes) {
  if (!Array.isArray(value)) return 'It has to be a list: begin with [ and end with ].';
  let level = value;
  for (let place = 0; place < sizes.length; place += 1) {
    // What a service takes besides numbers is its own affair.
    if (!Array.isArray(level)) return place && typeof level === 'number' ? `It has ${place} dimensions; the model takes ${sizes.length}: ${shape(sizes)}.` : '';
    if (sizes[place] && level.length !== sizes[place]) {
      return `Dimension ${place + 1} has ${level.length} entries; the model takes ${sizes[place]}: ${shape(sizes)}.`;
    }
    [level] = level;
  }
  return '';
}

export function tensorInput(input, { changed }) {
  const sizes = input.shape;
  const isSmall = sizes.length > 0 && volume(sizes) <= FEW && !input.sample;
  const problem = h('p', { class: 'wrong', id: unique('wrong'), role: 'alert', hidden: true });
  const area = h('textarea', { id: unique('json'), rows: 5, spellcheck: 'false', 'aria-describedby': problem.id });
  const cells = [];
  let element = null;

  function check() {
    let text = '';
    try {
      text = wrongWith(JSON.parse(area.value), sizes);
    } catch (error) {
      text = `This is no JSON: ${error.message}`;
    }
    problem.hidden = !text;
    problem.textContent = text;
    area.setAttribute('aria-invalid', String(Boolean(text)));
    // Not while it is made: nobody has it yet.
    if (element) changed();
  }

  function fill(value) {
    area.value = JSON.stringify(value);
    const flat = value.flat(Infinity);
    if (flat.length === cells.length) cells.forEach((cell, place) => { cell.value = flat[place]; });
    check();
  }

  function fromCells() {
    let place = 0;
    area.value = JSON.stringify(nested(sizes, () => Number(cells[place++].value || 0)));
    check();
  }

  const grid = h('div', { class: 'cells' });
  if (isSmall) {
    const width = Math.max(1, sizes[sizes.length - 1]);
    grid.classList.add(`of-${Math.min(width, 4)}`);
    for (let place = 0; place < volume(sizes); place += 1) {
      const cell = h('input', { type: 'number', step: 'any', value: '0', 'aria-label': `${input.name}, number ${place + 1} of ${volume(sizes)}`, oninput: fromCells });
      cells.push(cell);
      grid.append(cell);
    }
  }
  area.addEventListener('input', () => {
    check();
    try {
      const flat = JSON.parse(area.value).flat(Infinity);
      if (flat.length === cells.length) cells.forEach((cell, place) => { cell.value = flat[place]; });
    } catch { /* Said by check(). */ }
  });

  const random = () => Number((Math.random() * 2 - 1).toFixed(3));
  const buttons = h('span', { class: 'fillers' },
    input.sample ? h('button', { type: 'button', class: 'quiet', onclick: () => fill(input.sample) }, 'Example') : null,
    volume(sizes) <= MOST_WRITTEN ? [
      h('button', { type: 'button', class: 'quiet', onclick: () => fill(filled(sizes, () => 0)) }, 'Zeros'),
      h('button', { type: 'button', class: 'quiet', onclick: () => fill(filled(sizes, random)) }, 'Random')] : null);
  const json = h('div', {}, h('label', { htmlFor: area.id, class: 'small' }, `${input.name} as JSON`), area);
  fill(input.sample || (volume(sizes) <= MOST_WRITTEN ? filled(sizes, () => 0) : []));
  element = h('fieldset', { class: 'input' },
    h('legend', {}, `${input.name} `, h('span', { class: 'muted small' }, shape(sizes))),
    buttons, isSmall ? [grid, h('details', {}, h('summary', { class: 'small' }, 'As JSON'), json)] : json, problem);
  return {
    element,
    value() {
      if (area.getAttribute('aria-invalid') === 'true') return null;
      const text = area.value;
      return { name: input.name, text, add: (form) => form.append(input.name, text) };
    },
    example: () => ({ name: input.name, text: area.value }),
    focus: () => area.focus(),
  };
}
