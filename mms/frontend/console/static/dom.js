// Elements, made of plain values: nothing here reads a text as HTML.

const SVG = 'http://www.w3.org/2000/svg';
const PROPERTIES = new Set(['value', 'checked', 'disabled', 'hidden', 'textContent', 'htmlFor', 'open']);

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (PROPERTIES.has(name)) element[name] = value;
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const h = (tag, properties = {}, ...children) => fill(document.createElement(tag), properties, children);
export const svg = (tag, properties = {}, ...children) => fill(document.createElementNS(SVG, tag), properties, children);
export const byId = (id) => document.getElementById(id);

/** Changes the text only where it is another one: what is selected stays so. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Tells those who do not see the page. */
export const announce = (text) => say(byId('announcer'), text);

let made = 0;
/** An id that nothing else has. */
export const unique = (name) => `${name}-${++made}`;

/** A list of tabs and their panels, by the pattern of the ARIA practices. */
export function tabs(label, entries, chosen = () => {}) {
  const list = h('div', { role: 'tablist', 'aria-label': label, class: 'tabs' });
  const buttons = entries.map(({ title, panel, name }) => {
    panel.id ||= unique('panel');
    const button = h('button', { type: 'button', role: 'tab', id: unique('tab'), 'data-tab': name,
      'aria-controls': panel.id, onclick: () => select(name) }, title);
    panel.setAttribute('role', 'tabpanel');
    panel.setAttribute('aria-labelledby', button.id);
    return button;
  });
  function select(name, focus = false) {
    entries.forEach((entry, place) => {
      const is = entry.name === name;
      buttons[place].setAttribute('aria-selected', String(is));
      buttons[place].tabIndex = is ? 0 : -1;
      entry.panel.hidden = !is;
      if (is && focus) buttons[place].focus();
    });
    chosen(name);
  }
  list.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const now = buttons.findIndex((button) => button.getAttribute('aria-selected') === 'true');
    select(entries[(now + step + entries.length) % entries.length].name, true);
  });
  list.append(...buttons);
  return { list, select };
}

/** A button that puts a text where others can be pasted from. */
export function copyButton(text, title = 'Copy') {
  const button = h('button', { type: 'button', class: 'quiet', onclick: async () => {
    await copy(text());
    say(button, 'Copied');
    announce('Copied');
    setTimeout(() => say(button, title), 1500);
  } }, title);
  return button;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return;
  } catch { /* Browsers have it for pages of TLS and of this machine alone, and may refuse it. */ }
  const area = h('textarea', { value: text, class: 'unseen' });
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}
