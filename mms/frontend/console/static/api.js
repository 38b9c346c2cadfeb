// Requests of this page to its server, and what went wrong in words for a person.

const KEY = 'mms-token';

/** What the page was told with its text. */
export const facts = JSON.parse(document.querySelector('meta[name=mms]').content);

export const token = {
  get: () => sessionStorage.getItem(KEY) || '',
  set: (text) => (text ? sessionStorage.setItem(KEY, text) : sessionStorage.removeItem(KEY)),
};

const TITLES = {
  0: 'The server cannot be reached',
  400: 'The model cannot use this input',
  401: 'The server asks for a token',
  403: 'This token is not good for that',
  404: 'There is no such model any more',
  408: 'The upload stopped on its way',
  409: 'There is one of that name already',
  413: 'This is too large for the server',
  429: 'That was too often',
  500: 'The model failed over this request',
  503: 'The model cannot answer now',
  504: 'The model took too long',
  507: 'The disk or the memory of the server is full',
};
const HINTS = {
  0: 'It may have stopped, or the network is gone. The page tries again by itself.',
  500: 'The log of the server says how, under the request id.',
};

/** An answer that is none, with what a person wants to know of it. */
export class Failure extends Error {
  constructor(status, message, { requestId = '', retryAfter = 0 } = {}) {
    super(message);
    this.status = status;
    this.title = TITLES[status] || (status >= 500 ? 'The server failed over this' : 'The server refuses this');
    this.hint = HINTS[status] || '';
    this.requestId = requestId;
    this.retryAfter = retryAfter;
  }
}

/** What an answer that is none says; it may be of a proxy in front of the server, or end too early. */
async function said(response) {
  const text = await response.text().catch(() => '');
  let message = text;
  try {
    message = String(JSON.parse(text).message ?? text);
  } catch { /* It is no JSON. */ }
  return /^\s*</.test(message) ? response.statusText : message.trim();
}

/** The response to a request, or a Failure. */
export async function ask(path, options = {}) {
  const headers = new Headers(options.headers);
  if (token.get()) headers.set('Authorization', `Bearer ${token.get()}`);
  let response;
  try {
    response = await fetch(path, { cache: 'no-store', credentials: 'omit', ...options, headers });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Failure(0, HINTS[0]);
  }
  if (response.ok) return response;
  throw new Failure(response.status, await said(response), {
    requestId: response.headers.get('X-Request-Id') || '',
    retryAfter: Number(response.headers.get('Retry-After')) || 0,
  });
}

export async function askJSON(path, options) {
  const response = await ask(path, options);
  try {
    return await response.json();
  } catch {
    // It ends too early, or is of a proxy in front of the server.
    throw new Failure(0, HINTS[0]);
  }
}

/** What a page of another listener of this server begins with; null where there is none. */
export function pageURL(address) {
  if (!address) return null;
  return `${address.scheme}://${address.host || location.hostname}:${address.port}/console`;
}
