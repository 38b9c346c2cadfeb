// The page: which view is shown, and the turns in which it learns how the server does.

import { askJSON, facts, pageURL } from './api.js';
import { announce, byId, h, say } from './dom.js';
import { ago } from './figures.js';
import { History } from './history.js';
import { overview } from './overview.js';
import { askForToken, tokenButton } from './token.js';

const TURN_MS = 2000;
const FIRST_TURN_MS = 700;
const SOON_MS = 300;
const WORDS = { serving: 'Serving', loading: 'Loading models', draining: 'Stopping' };

const main = byId('main');
const history = new History();
const server = { described: null, history, seesFigures: true };
let view = null;
let timer = 0;
let isTurning = false;

/** What the address of the page asks for. */
function wanted() {
  const [, kind, name] = location.hash.split('/');
  if (kind !== 'models' || !name) return '';
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** What the first view does without is loaded when it is wanted. */
async function show() {
  const name = wanted();
  if (!server.described) return;
  const isThere = Object.hasOwn(server.described.models, name);
  let make = overview;
  try {
    if (isThere) make = (await import('./model.js')).modelView;
  } catch {
    // A file that was refused once is not asked for again by this page.
    main.replaceChildren(h('div', { class: 'notice bad' }, 'Not all of this page could be loaded. ',
      h('button', { type: 'button', onclick: () => location.reload() }, 'Load it again')));
    return;
  }
  // Another one may be wanted by now.
  if (name !== wanted()) return;
  view?.close?.();
  view = isThere ? make(name, server) : make(server, name);
  main.replaceChildren(view.element);
  document.title = view.title ? `${view.title} · MXNet Model Server` : 'MXNet Model Server';
  view.update?.();
}

function banner(failure) {
  byId('banner').replaceChildren(...(failure ? [h('div', { class: 'notice bad' },
    h('strong', {}, failure.title), ' ', h('span', {}, failure.hint || failure.message))] : []));
}

function header({ state, since, reason, management, version }) {
  const element = byId('server');
  element.className = `server state-${reason ? 'degraded' : state}`;
  say(element, `${WORDS[state] || state}${state === 'serving' ? ` for ${ago(since)}` : ''} · ${version}`);
  element.title = reason;
  const manage = byId('manage');
  const url = pageURL(management);
  manage.hidden = !url;
  if (url) manage.href = url;
}

async function describe() {
  const before = server.described;
  server.described = await askJSON('console/models');
  if (!before || before.revision !== server.described.revision) {
    const name = wanted();
    const stays = before && name && JSON.stringify(before.models[name]) === JSON.stringify(server.described.models[name]);
    // Who is trying a model loses nothing when another one comes.
    if (!stays) await show();
  }
}

/** How the server does; null where the token is not good for that, as one of scope predict. */
const figures = () => askJSON('console/state').catch((failure) => {
  if (failure.status !== 403) throw failure;
  return null;
});

async function look() {
  // Both at once: the page is there sooner.
  const [state] = await Promise.all([server.seesFigures ? figures() : null, server.described ? null : describe()]);
  if (!state) {
    if (!server.seesFigures) return;
    server.seesFigures = false;
    say(byId('server'), '');
    await show();
    return;
  }
  history.add(state);
  // While nobody waits for it.
  if (history.states.length === 2) import('./model.js').catch(() => {});
  header(state.server);
  if (state.server.revision !== server.described.revision) await describe();
  view?.update?.();
}

async function turn() {
  if (isTurning) return;
  isTurning = true;
  let pause = history.states.length < 2 ? FIRST_TURN_MS : TURN_MS;
  try {
    if (!document.hidden || !server.described) {
      await look();
      banner(null);
    }
  } catch (failure) {
    // A fault of the page itself: it is told, and the next turn may do better.
    if (failure.status === undefined) throw failure;
    if (failure.status === 401) {
      await askForToken(failure.message);
      server.seesFigures = true;
      pause = 0;
    } else {
      banner(failure);
      announce(failure.title);
    }
    pause = Math.max(pause, failure.retryAfter * 1000);
  } finally {
    isTurning = false;
    timer = setTimeout(turn, pause);
  }
}

/** Looks soon: something has been asked here, and should be seen. */
function soon() {
  if (isTurning) return;
  clearTimeout(timer);
  timer = setTimeout(turn, SOON_MS);
}

byId('skip').addEventListener('click', (event) => { event.preventDefault(); main.focus(); });

if (facts.port === 'management') {
  const { managing } = await import('./manage.js');
  managing(main);
} else {
  byId('nav').append(h('a', { href: '#/' }, 'Models'),
    h('a', { id: 'manage', hidden: true, target: '_blank', rel: 'noopener' }, 'Manage'),
    h('a', { href: 'docs', target: '_blank', rel: 'noopener' }, 'API'), tokenButton(() => {
      server.seesFigures = true;
      server.described = null;
    }));
  addEventListener('hashchange', async () => {
    await show();
    main.focus();
    scrollTo(0, 0);
  });
  addEventListener('answered', soon);
  document.addEventListener('visibilitychange', soon);
  turn();
}
