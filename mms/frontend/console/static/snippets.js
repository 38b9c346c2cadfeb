// Lines that ask the model for the same, in a shell, in Python and in JavaScript.

import { token } from './api.js';
import { copyButton, h, tabs } from './dom.js';

// A longer text would be pasted by nobody: it is read from a file.
const LONGEST = 400;

const shell = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`);
// What JSON says of a text, Python and JavaScript say too.
const quoted = (text) => JSON.stringify(text);
const single = (text) => (/^[^'"\\\u0000-\u001f\u007f-\uffff]*$/.test(text) ? `'${text}'` : quoted(text));
const fileOf = (value) => (value.file ? value.file : value.text.length > LONGEST ? `${value.name}.json` : '');

function curlForm(value) {
  const file = fileOf(value);
  if (value.file) {
    // To curl, semicolons and commas end a name that has no quotes.
    const named = /[;,"\\]/.test(file) ? `"${file.replace(/[\\"]/g, '\\$&')}"` : file;
    return `-F ${shell(`${value.name}=@${named}`)}`;
  }
  return file ? `-F ${shell(`${value.name}=<${file}`)}` : `--form-string ${shell(`${value.name}=${value.text}`)}`;
}

export function curl(url, values, hasToken) {
  const words = [`curl -X POST ${shell(url)}`];
  if (hasToken) words.push('-H "Authorization: Bearer $TOKEN"');
  return [...words, ...values.map(curlForm)].join(' \\\n  ');
}

export function python(url, values, hasToken) {
  const files = values.filter((value) => value.file);
  const texts = values.filter((value) => !value.file);
  const given = [];
  if (hasToken) given.push("headers={'Authorization': f\"Bearer {os.environ['TOKEN']}\"}");
  if (files.length) given.push(`files={${files.map((value) => `${single(value.name)}: open(${single(value.file)}, 'rb')`).join(', ')}}`);
  if (texts.length) {
    given.push(`data={${texts.map((value) => `${single(value.name)}: ${fileOf(value) ? `open(${single(fileOf(value))}).read()` : single(value.text)}`).join(', ')}}`);
  }
  return [...(hasToken ? ['import os', ''] : []), 'import requests', '',
    'answer = requests.post(', `    ${single(url)},`, ...given.map((each) => `    ${each},`), ')',
    'answer.raise_for_status()', "print(answer.json()['prediction'])"].join('\n');
}

export function javascript(url, values, hasToken) {
  const reads = values.filter(fileOf);
  const imports = [...new Set(reads.map((value) => (value.file ? 'openAsBlob' : 'readFileSync')))];
  const append = (value) => {
    if (value.file) return `form.append(${single(value.name)}, await openAsBlob(${single(value.file)}), ${single(value.file)});`;
    const text = fileOf(value) ? `readFileSync(${single(fileOf(value))}, 'utf8')` : single(value.text);
    return `form.append(${single(value.name)}, ${text});`;
  };
  const headers = hasToken ? ', headers: { Authorization: `Bearer ${process.env.TOKEN}` }' : '';
  return [...(imports.length ? [`import { ${imports.join(', ')} } from 'node:fs';`, ''] : []),
    'const form = new FormData();', ...values.map(append),
    `const answer = await fetch(${single(url)}, { method: 'POST', body: form${headers} });`,
    'if (!answer.ok) throw new Error(await answer.text());',
    'console.log(JSON.stringify((await answer.json()).prediction));'].join('\n');
}

const LANGUAGES = [
  { name: 'curl', title: 'curl', write: curl },
  { name: 'python', title: 'Python', write: python },
  { name: 'javascript', title: 'JavaScript', write: javascript },
];

export function snippets(path) {
  const url = new URL(path, document.baseURI).href;
  const entries = LANGUAGES.map((language) => {
    const code = h('code');
    const panel = h('div', { class: 'snippet' }, h('pre', { tabindex: 0, 'aria-label': `${language.title} lines` }, code), copyButton(() => code.textContent));
    return { ...language, code, panel };
  });
  const { list, select } = tabs('Language', entries);
  const long = h('p', { class: 'small muted', hidden: true });
  select('curl');
  return {
    element: h('div', {}, list, entries.map((each) => each.panel), long),
    update(values) {
      for (const { code, write } of entries) code.textContent = write(url, values, Boolean(token.get()));
      const files = values.filter((value) => !value.file && fileOf(value)).map(fileOf);
      long.hidden = !files.length;
      long.textContent = files.length ? `${files.join(', ')}: a file with what is in the form above.` : '';
    },
  };
}
