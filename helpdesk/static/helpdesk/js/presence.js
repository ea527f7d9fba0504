// Who is here: this tab's own beat (typing is told when it begins and ends, not with each key), the faces in the ticket's
// header, the badges of rows, and the list of colleagues.
import { setMode } from './composer.js';
import { on, send } from './line.js';
import { merge } from './merge.js';
import { showToast } from './toasts.js';
import { headers, words } from './words.js';

const BEAT_MS = 12000;
const TYPING_MS = 4000;
const IDLE_MS = 120000;
let typing = false;
let idle = false;
let lastKey = 0;
let lastMove = Date.now();
let lastBeat = 0;

function beat() {
  lastBeat = Date.now();
  send({ type: 'beat', typing, idle });
}

document.addEventListener('input', (event) => {
  if (!event.target.closest?.('#compose')) return;
  lastKey = Date.now();
  if (!typing) { typing = true; beat(); }
});
function move() {
  lastMove = Date.now();
  if (idle) { idle = false; beat(); }
}
for (const kind of ['pointermove', 'pointerdown', 'keydown', 'wheel', 'touchstart']) addEventListener(kind, move, { passive: true });
document.addEventListener('line:watching', () => { typing = false; beat(); });
document.addEventListener('desk:merged', ({ detail }) => {
  if (typing && detail.own && detail.placed.includes('composer')) { typing = false; beat(); }
});
setInterval(() => {
  const now = Date.now();
  const stopped = typing && now - lastKey > TYPING_MS;
  const asleep = !idle && now - lastMove > IDLE_MS;
  if (stopped) typing = false;
  if (asleep) idle = true;
  if (stopped || asleep || now - lastBeat > BEAT_MS) beat();
}, 1000);

// --- what comes back -------------------------------------------------------------------------------------------------
async function fetchInto(url) {
  try {
    const answer = await fetch(url, { headers: headers() });
    if (answer.ok) merge(await answer.text());
  } catch { /* the state of the line speaks of lost lines */ }
}

/** Runs soon, once for many calls. */
function soon(act, ms) {
  let timer = 0;
  return () => { clearTimeout(timer); timer = setTimeout(act, ms); };
}

const talk = () => document.getElementById('talk');
const changed = new Set();
const here = soon(() => {
  const open = talk()?.dataset.number;
  const numbers = [...changed].filter((number) => number === open || document.getElementById(`row-${number}`));
  changed.clear();
  if (!numbers.length) return;
  const asked = numbers.map((number) => `number=${number}`);
  if (numbers.includes(open)) asked.push(`open=${open}`);
  fetchInto(`/presence/rows/?${asked.join('&')}`);
}, 80);
// Who came between the making of the page and the opening of the line rang at nobody.
document.addEventListener('line:watching', () => {
  if (!document.getElementById('colleagues')) return;
  for (const row of document.querySelectorAll('#rows .row, #talk[data-number]')) if (row.dataset.number) changed.add(row.dataset.number);
  here();
}, { once: true });
on('beat', beat);
on('presence.changed', ({ ticket }) => { if (ticket === talk()?.dataset.ticket) { changed.add(talk().dataset.number); here(); } });
on('viewers.changed', ({ number }) => { changed.add(String(number)); here(); });

const colleagues = () => document.getElementById('colleagues');
const staff = soon(() => { if (colleagues()?.open) fetchInto(colleagues().dataset.load); }, 800);
on('colleagues.changed', staff);
document.addEventListener('toggle', (event) => {
  if (event.target.matches?.('.company__pick') && event.target.open) fetchInto(event.target.dataset.load);
}, true);

document.addEventListener('click', (event) => {
  const button = event.target.closest('[data-do="mention"]');
  if (!button) return;
  colleagues().open = false;
  if (!setMode('note')) { showToast(words('noTicket')); return; }
  const area = document.getElementById('text-note');
  const before = area.value.slice(0, area.selectionStart);
  const gap = before && !/\s$/.test(before) ? ' ' : '';
  area.setRangeText(`${gap}@${button.dataset.name} `, area.selectionStart, area.selectionEnd, 'end');
  area.dispatchEvent(new InputEvent('input', { bubbles: true }));
  area.focus();
});

// Having read what stopped a sending, one writes on.
document.addEventListener('click', (event) => {
  if (event.target.closest('#composer-alert [data-do="jump"]')) document.getElementById('composer-alert').replaceChildren();
});
