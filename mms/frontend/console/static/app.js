// Begins. Where the server refuses some files, since a client may make few requests at a time
// (--rate-limit), the page is loaded again: those that have come are kept.

const KEY = 'mms-begun';
const MOST = 5;
const PAUSE_MS = 1500;

try {
  await import('./page.js');
  sessionStorage.removeItem(KEY);
} catch (error) {
  const begun = Number(sessionStorage.getItem(KEY)) + 1;
  sessionStorage.setItem(KEY, begun);
  if (begun < MOST) setTimeout(() => location.reload(), PAUSE_MS);
  else document.getElementById('main').textContent = 'Not all of this page can be loaded now: reload it in a while.';
  throw error;
}
