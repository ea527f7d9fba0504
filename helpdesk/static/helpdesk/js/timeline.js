// The timeline: opens at what is new, offers a jump instead of moving, unfolds quotes, drives mail frames, counts down.
import { fill } from './fragments.js';
import { merge } from './merge.js';
import { headers, say, shownSeq, words } from './words.js';

// On a phone the whole conversation scrolls under its composer, elsewhere only the timeline does.
const scroller = () => {
  const box = document.getElementById('talk-scroll');
  return box && getComputedStyle(box).overflowY === 'visible' ? document.getElementById('talk') : box;
};
const messages = () => [...document.querySelectorAll('#timeline .msg')];
let unseen = 0;

function atEnd() {
  const box = scroller();
  return !box || box.scrollHeight - box.scrollTop - box.clientHeight < 48;
}

/** The newest seq the person has had on screen; the server compares it when he sends. */
function noteSeen() {
  const field = document.querySelector('#compose [name="seen_seq"]');
  if (field) field.value = String(Math.max(Number(field.value), shownSeq()));
  unseen = 0;
  const jump = document.getElementById('jump');
  if (jump) jump.hidden = true;
  document.dispatchEvent(new CustomEvent('desk:seen'));
}

/** The first message after the reading mark; without a mark the first of the customer after our last answer. */
function firstUnread() {
  const all = messages();
  if (all.length < 2) return undefined;
  const { read } = document.getElementById('talk').dataset;
  if (read) {
    const news = all.filter((m) => Number(m.dataset.seq) > Number(read));
    for (const message of news) message.setAttribute('data-unread', '');
    return news[0];
  }
  const lastOurs = all.findLastIndex((m) => m.dataset.from === 'staff' && !m.classList.contains('msg--note'));
  return all.find((m, at) => at > lastOurs && m.dataset.from === 'customer');
}

function openAtNews() {
  const box = scroller();
  if (!box) return;
  const first = firstUnread();
  if (first) {
    first.scrollIntoView({ block: 'start' });
    box.scrollTop = Math.max(0, box.scrollTop - 48);
    if (box.scrollTop + box.clientHeight >= box.scrollHeight - 48) noteSeen();
  } else box.scrollTop = box.scrollHeight;
  noteSeen();
}

function jump() {
  const box = scroller();
  const target = messages().at(-1);
  if (target) target.scrollIntoView({ block: 'start' });
  if (box) box.scrollTop = Math.max(box.scrollTop - 40, 0);
  noteSeen();
}

document.addEventListener('desk:merged', ({ detail }) => {
  if (detail.placed.includes('talk')) {
    unseen = 0;
    openAtNews();
    bindScroll();
    return;
  }
  const news = detail.added.filter((entry) => entry.classList.contains('msg'));
  if (!detail.added.length) return;
  if (detail.own) {
    scroller().scrollTop = scroller().scrollHeight;
    noteSeen();
    return;
  }
  if (!news.length) return;
  say(words('arrived'));
  for (const entry of news) entry.setAttribute('data-unread', '');
  unseen += news.length;
  const button = document.getElementById('jump');
  if (button) {
    button.textContent = unseen === 1 ? words('newOne') : words('newMany', unseen);
    button.hidden = false;
  }
});

function bindScroll() {
  for (const id of ['talk', 'talk-scroll']) {
    document.getElementById(id)?.addEventListener('scroll', () => { if (unseen && atEnd()) noteSeen(); }, { passive: true });
  }
}

document.addEventListener('toggle', async (event) => {
  const fold = event.target;
  if (!(fold instanceof HTMLDetailsElement) || !fold.open || !fold.dataset.load || fold.dataset.loaded) return;
  if (!fold.querySelector('.fold__body')) return; // a menu of the head: it fetches for itself
  fold.dataset.loaded = '1';
  const answer = await fetch(fold.dataset.load, { headers: headers() });
  if (answer.ok) fill(fold.querySelector('.fold__body'), await answer.text());
  else delete fold.dataset.loaded;
}, true);

function frameOf(button) {
  return button.closest('.msg').querySelector('.mailframe');
}

function ask(frame, key) {
  const view = frame.querySelector('iframe');
  const address = new URL(view.src, location.href);
  address.searchParams.set(key, '1');
  view.src = address.pathname + address.search;
}

document.addEventListener('click', (event) => {
  const button = event.target.closest('[data-do]');
  if (!button) return;
  const verb = button.dataset.do;
  if (verb === 'jump') jump();
  if (verb === 'frame-remote') { ask(frameOf(button), 'remote'); button.remove(); }
  if (verb === 'frame-whole') { ask(frameOf(button), 'whole'); frameOf(button).classList.add('mailframe--tall'); button.remove(); }
  if (verb === 'frame-tall') {
    const tall = frameOf(button).classList.toggle('mailframe--tall');
    button.querySelector('span').textContent = words(tall ? 'fold' : 'expand');
  }
  if (verb === 'frame-show') showFrame(button);
  if (verb === 'refresh') refreshTicket({ own: true });
});

function showFrame(button) {
  const box = document.createElement('div');
  box.className = 'mailframe';
  const view = document.createElement('iframe');
  view.className = 'mailframe__view';
  view.setAttribute('sandbox', 'allow-popups allow-popups-to-escape-sandbox');
  view.referrerPolicy = 'no-referrer';
  view.height = button.dataset.height;
  view.title = button.textContent.trim();
  view.src = button.dataset.src;
  box.append(view);
  const message = button.closest('.msg');
  message.querySelector('.msg__body').replaceWith(box);
  message.querySelector('[data-do="frame-remote"]')?.removeAttribute('hidden');
  button.remove();
}

let fetching = false;
let stale = false;
/** Fetches what changed after the seq shown. */
export async function refreshTicket({ own = false } = {}) {
  const talk = document.getElementById('talk');
  if (!talk?.dataset.changes) return;
  if (fetching) { stale = true; return; }
  fetching = true;
  try {
    const answer = await fetch(`${talk.dataset.changes}?after=${own ? Math.max(0, shownSeq()) : shownSeq()}`, { headers: headers() });
    if (answer.status === 205) location.reload();
    if (answer.ok && talk === document.getElementById('talk')) merge(await answer.text(), { own });
  } catch { /* the connection banner speaks of lost lines */ } finally {
    fetching = false;
    if (stale) { stale = false; refreshTicket(); }
  }
}

setInterval(() => {
  for (const span of document.querySelectorAll('[data-leaves]')) {
    const left = Number(span.dataset.leaves) - 1;
    span.dataset.leaves = String(left);
    if (left > 0) span.textContent = words('sending', left);
  }
}, 1000);

bindScroll();
openAtNews();
