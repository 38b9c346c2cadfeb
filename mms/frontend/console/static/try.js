// Asks a model with what a person gives it, and shows the answer and the lines that do the same.

import { showAnswer } from './answer.js';
import { ask } from './api.js';
import { announce, h } from './dom.js';
import { seconds } from './figures.js';
import { pictureInput } from './picture.js';
import { snippets } from './snippets.js';
import { tensorInput } from './tensor.js';

const isPicture = (input) => input.type === 'image/jpeg';

function showFailure(failure, again) {
  return h('div', { class: 'notice bad', role: 'alert' },
    h('strong', {}, failure.title || 'This did not work'),
    h('p', {}, failure.message),
    failure.hint && failure.hint !== failure.message ? h('p', {}, failure.hint) : null,
    failure.retryAfter ? h('p', {}, `The server says: try again in ${seconds(failure.retryAfter)}.`) : null,
    failure.requestId ? h('p', { class: 'small muted' }, 'Request id ', h('code', {}, failure.requestId)) : null,
    failure.status === 0 || failure.status >= 429 ? h('button', { type: 'button', onclick: again }, 'Try again') : null);
}

export function tryView(name, signature) {
  const result = h('div', { class: 'result' });
  const lines = snippets(signature.path);
  const run = h('button', { type: 'submit', class: 'primary' }, 'Predict');
  const onlyPicture = signature.inputs.length === 1 && isPicture(signature.inputs[0]);
  let latest = 0;
  let under = null;

  const inputs = signature.inputs.map((input) => (isPicture(input)
    ? pictureInput(input, { changed: () => (onlyPicture ? predict() : refresh()), alone: onlyPicture })
    : tensorInput(input, { changed: () => refresh() })));

  function refresh() {
    const values = inputs.map((input) => input.value());
    lines.update(values.map((value, place) => value || inputs[place].example()));
    run.disabled = values.some((value) => value === null);
  }

  async function predict() {
    refresh();
    const values = inputs.map((input) => input.value());
    if (values.some((value) => value === null)) {
      inputs[values.indexOf(null)].focus();
      return;
    }
    // An answer to what has been changed meanwhile is not shown.
    const turn = ++latest;
    under?.abort();
    under = new AbortController();
    const form = new FormData();
    for (const value of values) value.add(form);
    result.setAttribute('aria-busy', 'true');
    run.classList.add('busy');
    const begun = performance.now();
    try {
      const response = await ask(signature.path, { method: 'POST', body: form, signal: under.signal });
      const text = await response.text();
      if (turn !== latest) return;
      const took = (performance.now() - begun) / 1000;
      const pictures = values.filter((value) => value.picture);
      const { element, told } = showAnswer(text, signature, pictures[0]);
      result.replaceChildren(h('p', { class: 'small muted took' }, `Answered in ${seconds(took)}`), element);
      announce(told);
    } catch (failure) {
      if (turn !== latest || failure.name === 'AbortError') return;
      result.replaceChildren(showFailure(failure, predict));
    } finally {
      if (turn === latest) {
        result.removeAttribute('aria-busy');
        run.classList.remove('busy');
        dispatchEvent(new Event('answered'));
      }
    }
  }

  const form = h('form', { class: 'try', novalidate: true, onsubmit: (event) => { event.preventDefault(); predict(); } },
    inputs.map((input) => input.element), h('div', { class: 'actions' }, run));
  form.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) predict();
  });
  refresh();
  return {
    element: h('div', {},
      h('section', { 'aria-labelledby': 'try' }, h('h2', { id: 'try' }, 'Try it'), form, result),
      h('section', { 'aria-labelledby': 'call' }, h('h2', { id: 'call' }, 'Call it'), lines.element)),
    close() {
      latest += 1;
      under?.abort();
      inputs.forEach((input) => input.close?.());
    },
  };
}
