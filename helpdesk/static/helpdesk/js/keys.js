// Keys (the table stands in the help dialog). Single keys rest while somebody types, in dialogs and in menus; letters are
// read by what they print and, on layouts without Latin letters, by their place on the keyboard.
import { send, setMode } from './composer.js';
import { closeMenus } from './menus.js';
import { showZone } from './zones.js';

const rows = () => [...document.querySelectorAll('#rows .row')];
let pending = '';
let pendingTimer = 0;

function typing(target) {
  return target.closest?.('input:not([type="checkbox"]), textarea, select, [contenteditable], dialog, .menu, .popover') !== null;
}

function letter(event) {
  if (/^[\x20-\x7e]$/.test(event.key)) return event.key;
  const place = /^Key([A-Z])$/.exec(event.code)?.[1];
  if (place) return event.shiftKey ? place : place.toLowerCase();
  return event.code === 'Slash' ? (event.shiftKey ? '?' : '/') : event.key;
}

function focused() {
  return document.activeElement?.closest?.('#rows .row') ?? document.querySelector('#rows .row[data-current]');
}

function step(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(focused());
  const next = at < 0 ? all[by > 0 ? 0 : all.length - 1] : all[Math.min(all.length - 1, Math.max(0, at + by))];
  const link = next.querySelector('.row__link');
  link.focus();
  next.scrollIntoView({ block: 'nearest' });
  if (document.getElementById('talk')?.dataset.number && matchMedia('(min-width: 48.01rem)').matches) link.click();
}

function openMenu(id) {
  const details = document.getElementById(id);
  if (!details) return;
  details.open = true;
  showZone('conversation');
}

function press(selector) {
  const button = document.querySelector(selector);
  button?.click();
  return button;
}

function resolveAndNext() {
  const current = document.querySelector('#rows .row[data-current]');
  const next = current?.nextElementSibling?.matches('.row') ? current.nextElementSibling : current?.previousElementSibling;
  if (!press('#do-resolve')) return;
  document.addEventListener('htmx:afterRequest', () => next?.querySelector?.('.row__link')?.click(), { once: true });
}

function backToList() {
  const row = focused() ?? rows()[0];
  showZone('list');
  row?.querySelector('.row__link').focus();
}

const single = {
  j: () => step(1),
  k: () => step(-1),
  o: () => focused()?.querySelector('.row__link').click(),
  u: backToList,
  r: () => { showZone('conversation'); setMode('reply'); },
  a: () => { showZone('conversation'); if (!press('#timeline .msg:last-of-type [data-do="answer"][data-recipients$="all=1"]')) setMode('reply'); },
  n: () => { showZone('conversation'); setMode('note'); },
  e: () => press('#do-resolve'),
  E: resolveAndNext,
  b: () => { openMenu('pick-status'); document.querySelector('#snooze .menu__item')?.focus(); },
  i: () => press('#do-take'),
  A: () => openMenu('pick-owner'),
  l: () => document.getElementById('new-tag')?.focus(),
  p: () => openMenu('pick-priority'),
  x: () => focused()?.querySelector('.row__check input')?.click(),
  '!': () => press('#pick-status [value="spam"]'),
  '/': () => { showZone('nav'); document.getElementById('find').focus(); },
  '?': () => document.getElementById('help').showModal(),
};
const afterG = { i: 'needs-me', m: 'mine', u: 'unassigned' };

function follow(event, key) {
  if (pending === 'g') {
    pending = '';
    clearTimeout(pendingTimer);
    if (afterG[key]) { event.preventDefault(); press(`#view-${afterG[key]}`); }
    return true;
  }
  if (key === 'g') {
    pending = 'g';
    pendingTimer = setTimeout(() => { pending = ''; }, 1500);
    return true;
  }
  return false;
}

document.addEventListener('keydown', (event) => {
  if (event.isComposing || event.defaultPrevented) return;
  const mod = event.ctrlKey || event.metaKey;
  if (mod && !event.altKey) {
    const inComposer = event.target.closest?.('#compose');
    if (event.key === 'Enter' && inComposer) { event.preventDefault(); send(event.shiftKey ? 'resolved' : ''); }
    if (event.shiftKey && event.code === 'KeyF' && document.getElementById('attach')) { event.preventDefault(); document.getElementById('attach').click(); }
    return;
  }
  if (event.altKey) return;
  if (event.key === 'Escape') {
    if (document.querySelector('dialog[open]')) return;
    if (closeMenus()) return;
    if (typing(event.target)) event.target.blur();
    else backToList();
    return;
  }
  if (typing(event.target)) return;
  const key = letter(event);
  if (follow(event, key)) return;
  const act = single[key];
  if (!act) return;
  event.preventDefault();
  act();
});
