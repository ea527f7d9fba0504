// The board's entry. When a doorbell rings, all parts are fetched again, once for many rings; the hand that drags or types
// is left alone until it is done.
import './bar.js';
import './zones.js';
import './board_dialog.js';
import './board_drag.js';
import './board_ticks.js';
import { on } from './line.js';
import { merge } from './merge.js';
import { headers, signedOut } from './words.js';

const SOON_MS = 120;
const REST_MS = 1000;
const root = document.documentElement;
let timer = 0;
let fetchedAt = 0;
let busy = false;
let again = false;
let asked = 0;  // requests of the hand: what sent them must stand until they are answered, and their answer is newer

const held = () => asked > 0 || document.querySelector('.waiting[data-drag]') !== null;

async function refresh() {
  timer = 0;
  if (busy || held()) { again = true; return; }
  busy = true;
  fetchedAt = Date.now();
  try {
    const answer = await fetch(document.body.dataset.parts, { headers: headers() });
    const html = signedOut(answer.url) || !answer.ok ? '' : await answer.text();
    if (held()) again = true;
    else if (html) merge(html);
  } catch { /* the state of the line speaks of lost lines */ }
  busy = false;
  release();
}

function release() {
  if (!again || busy || held()) return;
  again = false;
  soon();
}

document.addEventListener('htmx:beforeRequest', () => { asked += 1; });
document.addEventListener('htmx:afterRequest', () => { asked = Math.max(0, asked - 1); release(); });

function soon() {
  if (timer) return;
  timer = setTimeout(refresh, Math.max(SOON_MS, fetchedAt + REST_MS - Date.now()));
}

for (const kind of ['colleagues.changed', 'inbox.changed', 'agent.changed', 'offers.changed', 'resync']) on(kind, soon);
document.addEventListener('line:open', soon);  // what changed between the making of the page and now rang at nobody
document.addEventListener('line:caught-up', soon);
document.addEventListener('board:stale', soon);

// --- the wallboard ------------------------------------------------------------------------------------------------------
function wall(on) {
  root.toggleAttribute('data-wall', on);
  for (const button of document.querySelectorAll('.board__head [data-do="wall"]')) button.setAttribute('aria-pressed', String(on));
  if (on) root.requestFullscreen?.().catch(() => {});
  else if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
  document.querySelector(on ? '.wall__leave' : '.board__head [data-do="wall"]')?.focus({ preventScroll: true });
}
document.addEventListener('click', (event) => { if (event.target.closest('[data-do="wall"]')) wall(!root.hasAttribute('data-wall')); });
document.addEventListener('fullscreenchange', () => { if (!document.fullscreenElement && root.hasAttribute('data-wall')) wall(false); });
document.addEventListener('keydown', (event) => { if (event.key === 'Escape' && root.hasAttribute('data-wall')) wall(false); });
