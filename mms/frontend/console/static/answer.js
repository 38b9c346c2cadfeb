// What a model has answered: classes as bars, boxes over the picture, a picture, or JSON.

import { copyButton, h, svg } from './dom.js';
import { percent, plain, shape } from './figures.js';

const MOST_SHOWN = 20000;
const BASE64 = /^[A-Za-z0-9+/\s]+=*\s*$/;
const KINDS = [['/9j/', 'image/jpeg'], ['iVBORw0KGgo', 'image/png'], ['Qk', 'image/bmp']];

const isNumber = (value) => typeof value === 'number' && Number.isFinite(value);
const first = (object, names) => names.map((name) => object[name]).find((value) => value !== undefined);
const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

/** JSON as services write it: with NaN and Infinity, which are none. */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return JSON.parse(text.replace(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (found) => (found.startsWith('"') ? found : `"${found}"`)));
  }
}

function classesIn(list) {
  if (!Array.isArray(list) || !list.length || !list.every(isObject)) return null;
  const found = list.map((entry) => ({ label: first(entry, ['class', 'label', 'name']), share: first(entry, ['probability', 'score', 'confidence']) }));
  return found.every(({ label, share }) => label !== undefined && isNumber(share)) ? found : null;
}

function boxIn(entry) {
  if (Array.isArray(entry)) {
    const [label, score, x, y, width, height] = entry;
    return entry.length === 6 && typeof label === 'string' && entry.slice(1).every(isNumber) ? { label, score, x, y, width, height } : null;
  }
  if (!isObject(entry)) return null;
  const label = String(first(entry, ['class', 'label', 'name']) ?? '');
  const score = first(entry, ['score', 'probability', 'confidence']);
  const box = entry.box || entry.bbox || entry;
  const [x, y, width, height] = Array.isArray(box) ? box
    : [first(box, ['x', 'xmin', 'left']), first(box, ['y', 'ymin', 'top']),
      box.width ?? box.w ?? (box.xmax ?? box.right) - (box.xmin ?? box.left), box.height ?? box.h ?? (box.ymax ?? box.bottom) - (box.ymin ?? box.top)];
  return [x, y, width, height].every(isNumber) ? { label, score, x, y, width, height } : null;
}

function boxesIn(prediction) {
  if (!Array.isArray(prediction) || !prediction.length) return null;
  const found = prediction.map(boxIn);
  if (found.every(Boolean)) return found;
  return prediction.length === 1 ? boxesIn(prediction[0]) : null;
}

function pictureIn(prediction, signature) {
  const text = Array.isArray(prediction) && prediction.length === 1 ? prediction[0] : prediction;
  if (typeof text !== 'string') return null;
  if (/^data:image\/(jpeg|png|bmp|gif|webp);base64,/.test(text)) return text;
  const kind = KINDS.find(([start]) => text.startsWith(start));
  const isTold = signature.outputType === 'image/jpeg';
  if (!(kind && (isTold || text.length > 100)) || !BASE64.test(text)) return null;
  return `data:${kind[1]};base64,${text}`;
}

function bars(classes, title) {
  return h('div', { class: 'bars' }, title ? h('h3', {}, title) : null, h('ol', {}, classes.map(({ label, share }) => {
    const bar = h('span', { class: 'bar' });
    bar.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
    const value = share >= 0 && share <= 1 ? percent(share) : plain(share);
    return h('li', {}, h('span', { class: 'label' }, String(label)), h('span', { class: 'value' }, value), h('span', { class: 'track', 'aria-hidden': 'true' }, bar));
  })));
}

function overlay(boxes, file) {
  const layer = svg('svg', { class: 'boxes', 'aria-hidden': 'true', preserveAspectRatio: 'none' });
  const image = h('img', { alt: `The picture, with ${boxes.length} boxes`, src: URL.createObjectURL(file) });
  image.addEventListener('load', () => {
    const { naturalWidth: width, naturalHeight: height } = image;
    URL.revokeObjectURL(image.src);
    const size = Math.max(width, height) / 28;
    layer.setAttribute('viewBox', `0 0 ${width} ${height}`);
    // Of boxes in parts of the sides.
    const parts = boxes.every((box) => [box.x, box.y, box.width, box.height].every((value) => value <= 1.5));
    layer.append(...boxes.flatMap((box, place) => {
      const [x, y, w, t] = [box.x * (parts ? width : 1), box.y * (parts ? height : 1), box.width * (parts ? width : 1), box.height * (parts ? height : 1)];
      const colour = `box-${place % 6}`;
      const above = y > size * 1.3;
      return [svg('rect', { x, y, width: w, height: t, class: `box ${colour}` }),
        svg('text', { x, y: above ? y - size * 0.3 : y + size, 'font-size': size, class: `box-label ${colour}` }, box.label)];
    }));
  });
  return h('div', { class: 'overlay' }, image, layer);
}

function detections(boxes, file) {
  return h('div', { class: 'detections' }, file ? overlay(boxes, file) : null,
    h('ol', {}, boxes.map((box, place) => h('li', {}, h('span', { class: `swatch box-${place % 6}`, 'aria-hidden': 'true' }), h('span', { class: 'label' }, box.label || 'object'),
      h('span', { class: 'value' }, isNumber(box.score) ? percent(box.score) : ''),
      h('span', { class: 'muted small where' }, `${plain(box.width)} × ${plain(box.height)} at ${plain(box.x)}, ${plain(box.y)}`)))));
}

function code(text, label) {
  const shown = text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}\n… ${(text.length - MOST_SHOWN).toLocaleString('en')} characters more` : text;
  return h('div', { class: 'snippet' }, h('pre', { tabindex: 0, 'aria-label': label }, h('code', {}, shown)), copyButton(() => text));
}

function shapeOf(value) {
  const sizes = [];
  for (let level = value; Array.isArray(level); [level] = level) sizes.push(level.length);
  return sizes;
}

/** Lists of numbers on one line each, as people write matrices. */
function written(value, indent = '') {
  if (Array.isArray(value) && value.some((entry) => entry !== null && typeof entry === 'object')) {
    return `[\n${value.map((entry) => `${indent}  ${written(entry, `${indent}  `)}`).join(',\n')}\n${indent}]`;
  }
  if (isObject(value)) {
    const entries = Object.entries(value).map(([key, entry]) => `${indent}  ${JSON.stringify(key)}: ${written(entry, `${indent}  `)}`);
    return entries.length ? `{\n${entries.join(',\n')}\n${indent}}` : '{}';
  }
  return Array.isArray(value) ? `[${value.map((entry) => JSON.stringify(entry)).join(', ')}]` : JSON.stringify(value);
}

function outputs(prediction, signature) {
  // The built-in base service answers a text for each output.
  const values = prediction.map((entry) => {
    try {
      return typeof entry === 'string' ? parsed(entry) : entry;
    } catch {
      return entry;
    }
  });
  return values.map((value, place) => {
    const name = signature.outputs[place]?.name || `output ${place + 1}`;
    const sizes = shapeOf(value);
    return h('div', {}, h('h3', {}, `${name} `, sizes.length ? h('span', { class: 'muted small' }, shape(sizes)) : null), code(written(value), name));
  });
}

function show(prediction, signature, value) {
  const picture = pictureIn(prediction, signature);
  if (picture) {
    return { told: 'The model has answered a picture', element: h('figure', { class: 'answered' },
      h('div', { class: 'pair' }, value ? [h('img', { src: URL.createObjectURL(value.picture), alt: 'The picture that was sent' }), h('img', { src: picture, alt: 'The picture that the model has answered', class: 'picture-answer' })]
        : h('img', { src: picture, alt: 'The picture that the model has answered', class: 'picture-answer' })),
      h('figcaption', { class: 'small' }, value ? 'Sent, and answered. ' : '', h('a', { href: picture, download: 'answer.jpg' }, 'Save the answer'))) };
  }
  const boxes = boxesIn(prediction);
  if (boxes) return { told: `${boxes.length} found: ${boxes.map((box) => box.label).join(', ')}`, element: detections(boxes, value?.picture) };
  if (Array.isArray(prediction)) {
    const single = classesIn(prediction);
    if (single) return { told: `${single[0].label}, ${percent(single[0].share)}`, element: bars(single) };
    const each = prediction.map(classesIn);
    if (each.length && each.every(Boolean)) {
      return { told: `${each[0][0].label}, ${percent(each[0][0].share)}`,
        element: h('div', {}, each.map((classes, place) => bars(classes, each.length > 1 ? signature.outputs[place]?.name || `output ${place + 1}` : ''))) };
    }
    if (!prediction.length && signature.inputs.some((input) => input.type === 'image/jpeg')) return { told: 'The model has found nothing', element: h('p', {}, 'The model has found nothing: its answer is an empty list.') };
    if (prediction.length === signature.outputs.length && prediction.length) return { told: 'The model has answered', element: h('div', {}, outputs(prediction, signature)) };
  }
  return { told: 'The model has answered', element: code(written(prediction), 'Answer') };
}

/** The answer for a person, with the text as it came below, and what to say of it aloud. */
export function showAnswer(text, signature, value) {
  let prediction;
  try {
    prediction = parsed(text).prediction;
  } catch {
    return { told: 'The model has answered', element: code(text, 'Answer') };
  }
  const { told, element } = show(prediction, signature, value);
  return { told, element: h('div', {}, element, h('details', {}, h('summary', { class: 'small' }, 'The answer as it came'), code(text, 'The answer as it came'))) };
}
