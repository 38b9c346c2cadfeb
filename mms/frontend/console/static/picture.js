// A picture for a model: dropped, chosen, pasted, taken, or drawn.

import { cameraButton } from './camera.js';
import { h, tabs, unique } from './dom.js';
import { drawing } from './drawing.js';
import { bytes, shape } from './figures.js';

// What the server reads; of anything else that the browser can show it is sent a PNG.
const READ = ['image/jpeg', 'image/png', 'image/bmp'];
const NAMES = { 'image/jpeg': 'jpg', 'image/png': 'png', 'image/bmp': 'bmp' };
// Pictures of so few pixels can be drawn by hand.
const SMALL = 32;

/** Height and width that a model sees, where it says so. */
export function sides(sizes) {
  const [first, second, third, fourth] = sizes;
  if (sizes.length !== 4) return null;
  const found = [1, 3].includes(second) ? [third, fourth] : [1, 3].includes(fourth) ? [second, third] : [third, fourth];
  return first !== undefined && found.every((side) => side > 0) ? { height: found[0], width: found[1] } : null;
}

async function asPNG(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    return null;
  }
  const canvas = h('canvas', { width: bitmap.width, height: bitmap.height });
  canvas.getContext('2d').drawImage(bitmap, 0, 0);
  const blob = await new Promise((done) => { canvas.toBlob(done, 'image/png'); });
  return new File([blob], `${file.name.replace(/\.\w+$/, '') || 'picture'}.png`, { type: 'image/png' });
}

/** What is sent for an input: the file, and how other programs send the same. */
const valueOf = (input, file) => ({
  picture: file,
  file: file.name,
  name: input.name,
  add: (form) => form.append(input.name, file, file.name),
});

export function pictureInput(input, { changed, alone }) {
  const side = sides(input.shape);
  let file = null;
  let url = null;

  const image = h('img', { class: 'chosen', alt: 'The picture that is sent', onerror: () => { image.hidden = true; } });
  const about = h('span', { class: 'small muted' });
  const save = h('a', { class: 'small', hidden: true }, 'Save it');
  const problem = h('p', { class: 'wrong', role: 'alert', hidden: true });
  const preview = h('figure', { class: 'preview', hidden: true }, image, h('figcaption', {}, about, ' ', save));

  function show(chosen, { isNew = false, note = '' } = {}) {
    file = chosen;
    if (url) URL.revokeObjectURL(url);
    url = URL.createObjectURL(file);
    image.hidden = false;
    image.src = url;
    about.textContent = [file.name, bytes(file.size), note].filter(Boolean).join(' · ');
    save.hidden = !isNew;
    save.href = url;
    save.download = file.name;
    preview.hidden = false;
    changed();
  }

  async function take(chosen, options = {}) {
    problem.hidden = true;
    if (!chosen) return;
    if (READ.includes(chosen.type)) {
      const name = chosen.name || `picture.${NAMES[chosen.type]}`;
      show(chosen.name ? chosen : new File([chosen], name, { type: chosen.type }), options);
      return;
    }
    const made = await asPNG(chosen);
    if (made) {
      show(made, { ...options, isNew: true, note: `made a PNG of ${chosen.type || 'what it was'}` });
      return;
    }
    problem.textContent = `${chosen.name || 'This'} is no picture that can be read: choose a JPEG, PNG or BMP.`;
    problem.hidden = false;
  }

  const picker = h('input', { type: 'file', accept: READ.join(','), id: unique('file'), class: 'unseen', onchange: () => { take(picker.files[0]); picker.value = ''; } });
  const zone = h('div', { class: 'drop' },
    h('p', {}, h('label', { htmlFor: picker.id, class: 'button' }, 'Choose a picture'), picker,
      cameraButton((photo) => take(photo, { isNew: true }))),
    h('p', { class: 'small muted' }, `or drop it here, or paste it${side ? `. The model sees it as ${side.width} × ${side.height} pixels` : ''}.`), problem, preview);
  for (const kind of ['dragenter', 'dragover']) {
    zone.addEventListener(kind, (event) => { event.preventDefault(); zone.classList.add('over'); });
  }
  zone.addEventListener('dragleave', (event) => { if (!zone.contains(event.relatedTarget)) zone.classList.remove('over'); });
  zone.addEventListener('drop', (event) => {
    event.preventDefault();
    zone.classList.remove('over');
    take(event.dataTransfer.files[0]);
  });
  const paste = (event) => {
    const pasted = [...(event.clipboardData?.files || [])].find((each) => each.type.startsWith('image/'));
    if (!pasted) return;
    event.preventDefault();
    take(pasted, { isNew: true });
  };
  document.addEventListener('paste', paste);

  const small = side && side.width <= SMALL && side.height <= SMALL;
  const board = small ? drawing(side, (drawn) => show(drawn, { isNew: true })) : null;
  let body = zone;
  if (board) {
    const both = tabs('Where the picture comes from', [
      { name: 'draw', title: 'Draw', panel: board.element }, { name: 'file', title: 'Picture', panel: zone }], (name) => {
      // One preview for both, below what has made the picture.
      (name === 'draw' ? board.element : zone).append(preview);
    });
    both.select(Math.max(side.width, side.height) <= 28 ? 'draw' : 'file');
    body = h('div', {}, both.list, board.element, zone);
  }
  return {
    element: h('fieldset', { class: 'input' }, h('legend', { class: alone ? 'unseen' : '' }, `${input.name} `, h('span', { class: 'muted small' }, `picture, ${shape(input.shape)}`)), body),
    value: () => (file ? valueOf(input, file) : null),
    example: () => ({ file: 'picture.jpg', name: input.name }),
    focus: () => picker.focus(),
    close() {
      document.removeEventListener('paste', paste);
      if (url) URL.revokeObjectURL(url);
    },
  };
}
