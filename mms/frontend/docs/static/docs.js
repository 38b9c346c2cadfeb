// Shows the OpenAPI document of this server, with the token that it asks for.

'use strict';

(() => {
  const KEY = 'mms-token';
  const WHERE = 'This server asks for a token. Whoever runs it has given you one, or can.';
  const form = document.getElementById('token');
  const failed = document.getElementById('failed');
  // Beside the page, wherever a proxy has put both.
  const address = new URL('openapi.json', document.baseURI).href;

  const withToken = (request) => {
    const token = sessionStorage.getItem(KEY);
    if (token && !request.headers.Authorization && !request.headers['X-API-Key']) {
      request.headers['X-API-Key'] = token;
    }
    return request;
  };

  const show = (spec) => {
    SwaggerUIBundle({
      spec,
      dom_id: '#documents',
      deepLinking: true,
      validatorUrl: null,
      presets: [SwaggerUIBundle.presets.apis],
      requestInterceptor: withToken,
    });
  };

  /** The JSON of an answer; null where it ends too early, or is of a proxy in front of the server. */
  const read = (response) => response.json().catch(() => null);

  const say = (text) => {
    failed.textContent = text;
    failed.hidden = false;
  };

  const load = async () => {
    failed.hidden = true;
    form.hidden = true;
    let response;
    try {
      response = await fetch(address, withToken({ headers: {}, cache: 'no-store' }));
    } catch {
      say('The server cannot be reached. Load this page again when it is there.');
      return;
    }
    if (response.status === 401 || response.status === 403) {
      const told = await read(response);
      document.getElementById('why').textContent = (sessionStorage.getItem(KEY) && told?.message) || WHERE;
      form.hidden = false;
      document.getElementById('field').focus();
      return;
    }
    const spec = response.ok ? await read(response) : null;
    if (spec) show(spec);
    else say(`The server answered ${response.status}${response.ok ? ', which cannot be read' : ''}. Load this page again after a while.`);
  };

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    sessionStorage.setItem(KEY, document.getElementById('field').value.trim());
    load();
  });

  load();
})();
