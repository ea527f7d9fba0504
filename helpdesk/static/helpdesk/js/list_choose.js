// Choosing rows (a click, x, a range with Shift, all of the view) and changing what is chosen, a part at a time: each part is
// whole on the server, the bar shows how far it is, one toast takes everything back.
import { elementsOf } from './fragments.js';
import { merge } from './merge.js';
import { showToast } from './toasts.js';
import { headers, say, signedOut, words } from './words.js';

const PART = 25;
const MOST = 500;
const bar = () => document.getElementById('bulk');
const rows = () => [...document.querySelectorAll('#rows .row')];
const tickOf = (row) => row.querySelector('.row__check input');
let beyond = [];  // chosen numbers of the view whose rows are not on the page
let last = null;
let running = false;

function said(key, value = '') {
  return (document.getElementById('bulk-words')?.dataset[key] ?? '').replace('%n', String(value));
}

function chosen() {
  return [...new Set([...rows().filter((row) => tickOf(row)?.checked).map((row) => row.dataset.number), ...beyond])];
}

/** Shows what is chosen. Rows that came later and belong to "all" are ticked. */
export function markSelected() {
  for (const row of rows()) {
    const tick = tickOf(row);
    if (!tick) continue;
    const at = beyond.indexOf(row.dataset.number);
    if (at >= 0) { tick.checked = true; beyond.splice(at, 1); }
    row.toggleAttribute('data-selected', tick.checked);
  }
  const box = bar();
  if (!box) return;
  const numbers = chosen();
  box.hidden = numbers.length === 0 && !running;
  document.getElementById('bulk-count').textContent = words('selected', numbers.length);
  document.getElementById('bulk-all').hidden = !box.dataset.selection || beyond.length > 0 || !document.querySelector('#rows .more, #rows .row:not([data-selected])');
  if (numbers.length) loadMenus(box);
}

async function loadMenus(box) {
  const more = document.getElementById('bulk-more-box');
  if (more?.getAttribute('aria-busy') !== 'true') return;
  more.removeAttribute('aria-busy');
  try {
    const answer = await fetch(box.dataset.menus, { headers: headers() });
    if (answer.ok && !signedOut(answer.url)) more.replaceChildren(...elementsOf(await answer.text()));
  } catch { more.setAttribute('aria-busy', 'true'); }
}

function choose(none) {
  beyond = [];
  for (const row of rows()) { const tick = tickOf(row); if (tick) tick.checked = !none; }
  markSelected();
}

async function chooseAll() {
  const answer = await fetch(bar().dataset.selection, { headers: headers() });
  if (!answer.ok || signedOut(answer.url)) return;
  const { numbers, more } = await answer.json();
  choose(false);
  const shown = new Set(rows().map((row) => row.dataset.number));
  beyond = numbers.map(String).filter((number) => !shown.has(number)).slice(0, Math.max(0, MOST - shown.size));
  markSelected();
  if (more) showToast(said('most', chosen().length));
}

function busy(now) {
  running = now;
  const progress = document.getElementById('bulk-bar');
  if (!progress) return;
  progress.hidden = !now;
  document.getElementById('bulk-acts').inert = now;
}

async function inParts(address, base, key, values) {
  const outcome = { done: [], refused: [], stopped: false };
  busy(true);
  for (let at = 0; at < values.length; at += PART) {
    const body = new URLSearchParams(base);
    for (const value of values.slice(at, at + PART)) body.append(key, value);
    let answer;
    try { answer = await fetch(address, { method: 'POST', body, headers: headers() }); } catch { outcome.stopped = true; break; }
    if (signedOut(answer.url)) return null;
    if (!answer.ok) {
      if (answer.headers.get('HX-Merge') === '1') { merge(await answer.text(), { own: true }); if (!outcome.done.length) { busy(false); return null; } }
      else outcome.stopped = true;
      break;
    }
    const part = await answer.json();
    outcome.done.push(...part.done);
    outcome.refused.push(...part.refused);
    const progress = document.getElementById('bulk-bar');
    if (progress) { progress.max = values.length; progress.value = Math.min(values.length, at + PART); }
  }
  busy(false);
  document.dispatchEvent(new CustomEvent('inbox-changed', { detail: { own: true } }));
  document.body.dispatchEvent(new CustomEvent('ticket-changed', { bubbles: true }));
  return outcome;
}

function button(text, act, key = '') {
  const element = document.createElement('button');
  element.type = 'button';
  element.className = 'btn btn--sm';
  element.textContent = text;
  if (key) element.dataset.key = key;
  element.addEventListener('click', act);
  return element;
}

function tell(outcome, key, undoAddress) {
  const made = outcome.done.filter((one) => one.first);
  const same = outcome.done.length && !made.length && !outcome.refused.length;
  const parts = [outcome.stopped ? said('stopped', made.length) : same ? said('same') : said(key, made.length)];
  if (outcome.refused.length) parts.push(said('refused', outcome.refused.length));
  const toast = document.createElement('div');
  toast.className = 'toast';
  toast.dataset.level = outcome.refused.length || outcome.stopped ? 'error' : 'info';
  toast.dataset.seconds = '8';
  const text = document.createElement('span');
  text.className = 'toast__text';
  text.textContent = parts.join(' · ');
  toast.append(text);
  if (outcome.refused.length) toast.append(button(said('why'), () => explain(outcome.refused)));
  if (undoAddress && made.length) {
    toast.append(button(said('undo'), async () => {
      toast.remove();
      const back = await inParts(undoAddress, '', 'made', made.map((one) => `${one.number}:${one.first}:${one.last}`));
      if (back) tell(back, 'undone', '');
    }, 'undo'));
  }
  showToast(toast);
  say(text.textContent);
}

function explain(refused) {
  const dialog = document.getElementById('bulk-told');
  document.getElementById('bulk-told-title').textContent = said('refused', refused.length);
  document.getElementById('bulk-told-list').replaceChildren(...refused.map(({ number, reason }) => {
    const line = document.createElement('li');
    const name = document.createElement('bdi');
    name.textContent = `#${number} `;
    line.append(name, reason);
    return line;
  }));
  dialog.showModal();
}

document.addEventListener('submit', async (event) => {
  if (event.target.id !== 'bulk') return;
  event.preventDefault();
  if (running) return;
  const form = event.target;
  const { undo } = form.dataset;
  const base = new FormData(form, event.submitter);
  base.delete('number');
  event.submitter?.closest('details.pick')?.removeAttribute('open');
  const outcome = await inParts(form.action, [...base], 'number', chosen());
  if (!outcome) return;
  choose(true);
  tell(outcome, 'done', undo);
});

document.addEventListener('click', (event) => {
  if (event.target.closest('#bulk-all')) chooseAll();
  if (event.target.closest('#bulk-none')) choose(true);
  const tick = event.target.matches('.row__check input') ? event.target : null;
  if (!tick) return;
  const row = tick.closest('.row');
  const all = rows();
  const from = all.indexOf(last);
  if (event.shiftKey && from >= 0) {
    const to = all.indexOf(row);
    for (const between of all.slice(Math.min(from, to), Math.max(from, to) + 1)) tickOf(between).checked = tick.checked;
  }
  last = row;
  markSelected();
});
document.addEventListener('change', (event) => { if (event.target.closest('.row__check')) markSelected(); });
document.addEventListener('desk:merged', ({ detail }) => { if (detail.placed.includes('list')) { beyond = []; last = null; } });
