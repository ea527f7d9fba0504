// The list: which row is open, selection, and fresh rows when the inbox changed. Nothing moves under the hand: rows are
// redrawn in place; when their order changed and somebody is at the list, a line offers the new one instead.
import { elementsOf } from './fragments.js';
import { markSelected } from './list_choose.js';
import { merge } from './merge.js';
import { headers, signedOut, words } from './words.js';

const list = () => document.getElementById('list');
const box = () => document.getElementById('rows');
const rows = () => [...document.querySelectorAll('#rows .row')];

function markCurrent() {
  const number = document.getElementById('talk')?.dataset.number;
  for (const row of rows()) {
    const here = row.dataset.number === number;
    row.toggleAttribute('data-current', here);
    const link = row.querySelector('.row__link');
    if (here) link.setAttribute('aria-current', 'true');
    else link.removeAttribute('aria-current');
  }
}

/** Whether the page came without rows: a ticket opened by its own address comes first, its list after it. */
const isToCome = () => box()?.getAttribute('aria-busy') === 'true';

function somebodyIsThere() {
  const zone = list();
  return zone.matches(':hover') || zone.contains(document.activeElement) || box().scrollTop > 8 || document.getElementById('bulk')?.hidden === false;
}

let running = false;
let again = null;  // what was asked for while a fetch was under way: a change of one's own stays one

/** Fetches the first page and the counts. `force` shows a changed order at once. */
export async function refreshList({ force = false } = {}) {
  if (running) { again = { force: force || Boolean(again?.force) }; return; }
  running = true;
  try {
    const zone = list();
    if (!zone) return;
    const answer = await fetch(zone.dataset.rows, { headers: headers() });
    if (signedOut(answer.url) || !answer.ok || zone !== list()) return;
    const fresh = elementsOf(await answer.text());
    const counts = fresh.find((element) => element.id === 'nav-body');
    if (counts) {
      const current = document.querySelector('#nav-body [aria-current]')?.id;
      for (const link of counts.querySelectorAll('[aria-current]')) if (link.id !== current) link.removeAttribute('aria-current');
      merge(counts.outerHTML);
      const count = document.querySelector(`#view-${CSS.escape(zone.dataset.slug)} .nav__num`);
      zone.querySelector('.zone-head__sub').textContent = count?.textContent ?? '';
    }
    redraw(fresh.find((element) => element.id === 'rows'), force || isToCome());
  } catch { /* the connection banner speaks of lost lines */ } finally {
    running = false;
    if (again) { const more = again; again = null; refreshList(more); }
  }
}

function redraw(fresh, force) {
  if (!fresh) return;
  const order = (place) => [...place.querySelectorAll('.row, .rows__head')].map((line) => line.id || line.textContent);
  const freshIds = order(fresh);
  const shownIds = order(box()).slice(0, Math.max(freshIds.length, 1));
  const sameOrder = freshIds.join() === shownIds.join() && !isToCome();
  const news = document.getElementById('list-news');
  if (sameOrder || !(force || !somebodyIsThere())) {
    for (const row of fresh.querySelectorAll('.row')) {
      const before = document.getElementById(row.id);
      if (!before) continue;
      const check = before.querySelector('.row__check input');
      const onLink = document.activeElement === before.querySelector('.row__link');
      if (check?.checked || (!onLink && before.contains(document.activeElement))) continue;
      before.replaceWith(row);
      htmx.process(row);
      if (onLink) row.querySelector('.row__link').focus({ preventScroll: true });
    }
    news.hidden = sameOrder;
  } else {
    const scroll = force ? 0 : box().scrollTop;
    // ticks and the focus outlive the new order
    const ticked = rows().filter((row) => row.querySelector('.row__check input')?.checked).map((row) => row.id);
    const focused = document.activeElement?.matches('#rows .row__link') ? document.activeElement.closest('.row').id : '';
    for (const row of fresh.querySelectorAll('.row')) {
      const tick = row.querySelector('.row__check input');
      if (tick && ticked.includes(row.id)) tick.checked = true;
    }
    box().replaceWith(fresh);
    if (focused) document.getElementById(focused)?.querySelector('.row__link').focus({ preventScroll: true });
    fresh.scrollTop = scroll;
    htmx.process(fresh);
    news.hidden = true;
  }
  markCurrent();
  markSelected();
}

let timer = 0;
/** Refreshes soon; many doorbells make one fetch. */
export function refreshListSoon() {
  clearTimeout(timer);
  timer = setTimeout(refreshList, 250);
}

document.addEventListener('inbox-changed', ({ detail }) => (detail?.own ? refreshList({ force: true }) : refreshListSoon()));
document.addEventListener('click', (event) => {
  if (event.target.closest('[data-do="list-refresh"]')) refreshList({ force: true });
});
document.addEventListener('desk:merged', ({ detail }) => {
  if (detail.placed.includes('list') || detail.placed.includes('talk')) {
    markCurrent();
    markSelected();
    const query = list()?.dataset.query;
    for (const link of document.querySelectorAll('#nav-body .nav__link')) {
      const here = link.id === `view-${list()?.dataset.slug}`;
      if (here && query) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
  }
});
document.addEventListener('htmx:afterSettle', (event) => { if (event.target.closest?.('#rows')) { markCurrent(); markSelected(); } });
if (isToCome()) refreshList();
