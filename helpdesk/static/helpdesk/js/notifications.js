// The bell: its count here, in the page's title and on a phone's bar; its list; the system's own notices, which are asked for
// by a click only. And reading marks: what is seen is told to the server, and a row loses its dot on every device.
import { isMod } from './keys-press.js';
import { on } from './line.js';
import { merge } from './merge.js';
import { headers, shownSeq } from './words.js';

const bell = () => document.getElementById('bell');
const count = () => document.getElementById('bell-count');
const talk = () => document.getElementById('talk');

async function fetchInto(url) {
  try {
    const answer = await fetch(url, { headers: headers() });
    if (answer.ok) merge(await answer.text());
  } catch { /* the state of the line speaks of lost lines */ }
}

function badge() {
  const shown = count()?.dataset.shown ?? '';
  const phone = document.getElementById('bell-badge');
  if (phone) { phone.textContent = shown; phone.hidden = !shown; }
  const bare = document.title.replace(/^\(\d+\+?\) /, '');
  const wanted = shown ? `(${shown}) ${bare}` : bare;
  if (document.title !== wanted) document.title = wanted;
}

let told = '';
function tellTheSystem() {
  const { newest, title, text, url } = count()?.dataset ?? {};
  if (!newest || newest === told) return;
  told = newest;
  if (document.visibilityState === 'visible' || !('Notification' in window) || Notification.permission !== 'granted') return;
  const notice = new Notification(title, { body: text, tag: `helpdesk-${newest}` });
  notice.addEventListener('click', () => { focus(); location.assign(url); });
}

let timer = 0;
function refresh() {
  clearTimeout(timer);
  timer = setTimeout(async () => {
    await fetchInto(bell().dataset.count);
    tellTheSystem();
    if (bell().open && !document.activeElement?.closest?.('#notifications textarea')) fetchInto(bell().dataset.load);
  }, 100);
}

on('notifications.changed', refresh);
document.addEventListener('line:caught-up', refresh);
document.addEventListener('desk:merged', badge);
document.addEventListener('change', (event) => {
  if (event.target.id === 'desktop-notices' && event.target.checked && 'Notification' in window) Notification.requestPermission();
});
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || !isMod(event) || !event.target.closest?.('.told__answer textarea')) return;
  event.preventDefault();
  event.target.form.requestSubmit();
});
document.addEventListener('click', (event) => {
  if (event.target.closest('.told__link')) bell().open = false;
});
badge();

// --- reading -----------------------------------------------------------------------------------------------------------
const READ_AFTER_MS = 900;  // passed over with j and k is not read
const read = new Map();
let kept = '';

function dot(number, unread) {
  document.getElementById(`row-${number}`)?.toggleAttribute('data-unread', unread);
}

let reading = 0;
function seen() {
  clearTimeout(reading);
  const { seen: url, number } = talk()?.dataset ?? {};
  const seq = shownSeq();  // what comes while we wait is not seen yet
  reading = setTimeout(async () => {
    if (!url || number !== talk()?.dataset.number || kept === number || document.visibilityState !== 'visible' || (read.get(number) ?? -1) >= seq) return;
    read.set(number, seq);
    dot(number, false);
    try {
      const answer = await fetch(url, { method: 'POST', headers: headers(), body: new URLSearchParams({ seq }), keepalive: true });
      if (!answer.ok) read.delete(number);
    } catch { read.delete(number); }
  }, READ_AFTER_MS);
}

document.addEventListener('desk:seen', seen);
document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'visible' && document.getElementById('jump')?.hidden) seen(); });
document.addEventListener('desk:merged', ({ detail }) => { if (detail.placed.includes('talk')) kept = ''; });
document.addEventListener('ticket-unread', () => {
  kept = talk()?.dataset.number ?? '';
  read.delete(kept);
  dot(kept, true);
});
on('ticket.read', ({ number, unread }) => dot(number, unread));
seen();
