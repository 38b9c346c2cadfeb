// A board to draw on, for models that see a few pixels: white on black, as digits are mostly given.

import { h, unique } from './dom.js';

const BOARD = 256;
const PEN = 22;
const SETTLED_MS = 350;
// Data sets of very small pictures fill them, MNIST and its kin leave a seventh on each side.
const FRAMES = { fill: 0, margin: 1 / 7, asDrawn: null };

/** The box around what is drawn; null of an empty board. */
function inkIn(pixels) {
  let [left, top, right, bottom] = [BOARD, BOARD, -1, -1];
  for (let y = 0; y < BOARD; y += 1) {
    for (let x = 0; x < BOARD; x += 1) {
      if (pixels[(y * BOARD + x) * 4] > 40) {
        left = Math.min(left, x);
        right = Math.max(right, x);
        top = Math.min(top, y);
        bottom = Math.max(bottom, y);
      }
    }
  }
  return right < 0 ? null : { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/** The part of the board that the model sees: what is drawn, in the middle of a square. */
function framed(ink, margin) {
  if (margin === null) return { left: 0, top: 0, side: BOARD };
  const side = Math.max(ink.width, ink.height) / (1 - 2 * margin);
  return { left: ink.left + ink.width / 2 - side / 2, top: ink.top + ink.height / 2 - side / 2, side };
}

/** Each pixel of the small picture is the mean of what it covers. */
function shrink(pixels, frame, { width, height }) {
  const small = new ImageData(width, height);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const [x0, x1] = [column, column + 1].map((edge) => frame.left + (edge * frame.side) / width);
      const [y0, y1] = [row, row + 1].map((edge) => frame.top + (edge * frame.side) / height);
      let total = 0;
      let area = 0;
      for (let y = Math.floor(y0); y < Math.ceil(y1); y += 1) {
        for (let x = Math.floor(x0); x < Math.ceil(x1); x += 1) {
          const part = (Math.min(x + 1, x1) - Math.max(x, x0)) * (Math.min(y + 1, y1) - Math.max(y, y0));
          area += part;
          if (x >= 0 && y >= 0 && x < BOARD && y < BOARD) total += part * pixels[(y * BOARD + x) * 4];
        }
      }
      const place = (row * width + column) * 4;
      small.data.fill(Math.round(total / area), place, place + 3);
      small.data[place + 3] = 255;
    }
  }
  return small;
}

export function drawing(side, drawn) {
  const board = h('canvas', { width: BOARD, height: BOARD, class: 'board', role: 'img', 'aria-label': 'Board to draw on, with a mouse, a pen or a finger' });
  const pen = board.getContext('2d', { willReadFrequently: true });
  const small = h('canvas', { width: side.width, height: side.height });
  const frame = h('select', { id: unique('frame') },
    h('option', { value: 'fill' }, 'fills the picture'), h('option', { value: 'margin' }, 'has a margin, as in MNIST'), h('option', { value: 'asDrawn' }, 'stays where it is'));
  const inverted = h('input', { type: 'checkbox', id: unique('inverted') });
  let from = null;
  let settled = 0;
  frame.value = Math.max(side.width, side.height) <= 16 ? 'fill' : 'margin';

  function wipe() {
    pen.fillStyle = '#000';
    pen.fillRect(0, 0, BOARD, BOARD);
  }

  function send() {
    const { data } = pen.getImageData(0, 0, BOARD, BOARD);
    const ink = inkIn(data);
    if (!ink) return;
    const seen = shrink(data, framed(ink, FRAMES[frame.value]), side);
    if (inverted.checked) seen.data.forEach((value, place) => { if (place % 4 < 3) seen.data[place] = 255 - value; });
    small.getContext('2d').putImageData(seen, 0, 0);
    small.toBlob((blob) => drawn(new File([blob], 'drawing.png', { type: 'image/png' })), 'image/png');
  }

  function at(event) {
    const box = board.getBoundingClientRect();
    return [((event.clientX - box.left) * BOARD) / box.width, ((event.clientY - box.top) * BOARD) / box.height];
  }

  function line(to) {
    pen.strokeStyle = '#fff';
    pen.lineWidth = PEN;
    pen.lineCap = 'round';
    pen.lineJoin = 'round';
    pen.beginPath();
    pen.moveTo(...from);
    pen.lineTo(...to);
    pen.stroke();
    from = to;
  }

  board.addEventListener('pointerdown', (event) => {
    board.setPointerCapture(event.pointerId);
    clearTimeout(settled);
    from = at(event);
    line(from);
  });
  board.addEventListener('pointermove', (event) => { if (from) line(at(event)); });
  for (const kind of ['pointerup', 'pointercancel']) {
    board.addEventListener(kind, () => {
      if (!from) return;
      from = null;
      // A digit of two strokes is asked for once.
      clearTimeout(settled);
      settled = setTimeout(send, SETTLED_MS);
    });
  }
  frame.addEventListener('change', send);
  inverted.addEventListener('change', send);
  wipe();
  return {
    element: h('div', { class: 'drawing' }, board,
      h('div', { class: 'drawing-side' },
        h('button', { type: 'button', onclick: wipe }, 'Wipe'),
        h('label', { htmlFor: frame.id, class: 'small' }, 'What is drawn'), frame,
        h('span', { class: 'check' }, inverted, h('label', { htmlFor: inverted.id, class: 'small' }, 'Black on white')),
        h('p', { class: 'small muted' }, `The model sees ${side.width} × ${side.height} pixels.`))),
  };
}
