// The token of a server that asks for one: kept while the tab is open, sent in a header alone.

import { facts, token } from './api.js';
import { byId, h } from './dom.js';

const WHERE = facts.port === 'management'
  ? 'The management port asks for a token. The terminal and the log of the server name the file that has it.'
  : 'This server asks for a token. Whoever runs it has given you one, or can.';
let asked = null;

function dialogFor(why, given) {
  const field = h('input', { type: 'password', id: 'token', autocomplete: 'off', required: true, spellcheck: 'false' });
  let isGiven = false;
  const dialog = h('dialog', { 'aria-labelledby': 'token-title' },
    h('form', { method: 'dialog', onsubmit: () => {
      isGiven = true;
      token.set(field.value.trim());
    } },
    h('h2', { id: 'token-title' }, 'A token, please'),
    h('p', {}, token.get() ? why : WHERE),
    h('label', { htmlFor: 'token' }, 'Token'), field,
    h('p', { class: 'small muted' }, 'It stays in this tab until that is closed, and goes to this server only.'),
    h('div', { class: 'actions' }, h('button', { class: 'primary' }, 'Use it'))));
  dialog.addEventListener('close', () => {
    dialog.remove();
    byId('forget').hidden = !token.get();
    if (isGiven) {
      byId('banner').replaceChildren();
      given();
    } else {
      byId('banner').replaceChildren(h('div', { class: 'notice' }, h('strong', {}, 'The server asks for a token.'), ' ',
        h('button', { type: 'button', onclick: () => dialogFor(why, given) }, 'Give one')));
    }
  });
  document.body.append(dialog);
  dialog.showModal();
}

/** Asks, and waits until a token is given; what is wrong with the one before is said. */
export function askForToken(why) {
  asked ||= new Promise((given) => { dialogFor(why, given); }).finally(() => { asked = null; });
  return asked;
}

/** Forgets the token; there while there is one. */
export function tokenButton(forgotten) {
  const button = h('button', { type: 'button', id: 'forget', class: 'quiet', hidden: !token.get(), onclick: () => {
    token.set('');
    button.hidden = true;
    forgotten();
  } }, 'Forget token');
  return button;
}
