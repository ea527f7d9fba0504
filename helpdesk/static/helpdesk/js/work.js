// One's own work: the state bar and the offers, fetched when a doorbell rings and after each gap of the line; their clocks.
// A new offer is announced once.
import { on } from './line.js';
import { merge } from './merge.js';
import { ring } from './ring.js';
import { headers } from './words.js';

const LAST_SECONDS = 5;
const tray = document.getElementById('offer-tray');
const announced = new Set();
let asked = 0;
let timer = 0;

async function refresh() {
  const url = document.getElementById('my-work')?.dataset.load;
  if (!url) return;
  const mine = ++asked;
  try {
    const answer = await fetch(url, { headers: headers() });
    const html = answer.ok && !answer.redirected ? await answer.text() : '';
    if (html && mine === asked) merge(html);
  } catch { /* the state of the line speaks of lost lines */ }
}
function soon(ms = 20) { clearTimeout(timer); timer = setTimeout(refresh, ms); }

on('agent.changed', () => soon());
on('offers.changed', () => soon());
document.addEventListener('line:caught-up', () => soon());
document.addEventListener('toggle', (event) => { if (event.target.id === 'my-state' && !event.target.open) soon(); }, true);

// --- clocks: data-left counts down, data-counted up; both in seconds from when they came ------------------------------------
const two = (n) => String(n).padStart(2, '0');
function spell(s) {
  const h = Math.floor(s / 3600);
  const m = Math.floor(s / 60) % 60;
  return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}
function put(element, text) { if (element && element.textContent !== text) element.textContent = text; }

function tick() {
  const now = Date.now();
  for (const element of document.querySelectorAll('[data-counted]')) {
    element.begun ??= now - Number(element.dataset.counted) * 1000;
    put(element, spell(Math.round((now - element.begun) / 1000)));
  }
  for (const element of document.querySelectorAll('[data-left]')) {
    element.ends ??= now + Number(element.dataset.left) * 1000;
    const left = Math.max(0, Math.ceil((element.ends - now) / 1000));
    const offer = element.matches('.offer');
    if (!offer || !element.dataset.state || element.dataset.state === 'last') put(element.querySelector('.tick:not([data-counted])'), offer && left < 60 ? String(left) : spell(left));
    const { whole } = element.dataset;
    if (whole > 0) element.querySelector('.ring__fill')?.setAttribute('stroke-dasharray', `${Math.min(100, Math.round(left * 100 / whole))} 100`);
    if (offer && !element.dataset.state && left <= LAST_SECONDS) element.dataset.state = 'last';
    if (left === 0 && !element.over) { element.over = true; soon(300); }
  }
  place();
}

// --- offers --------------------------------------------------------------------------------------------------------------
/** A dialog makes all around it dead: while one is open the offers stand in it. */
function place() {
  if (!tray) return;
  const home = [...document.querySelectorAll('dialog[open]')].at(-1) ?? document.body;
  if (tray.parentElement !== home) home.append(tray);
}

document.addEventListener('desk:merged', () => {
  for (const card of document.querySelectorAll('.offer[data-said]')) {
    if (announced.has(card.id)) continue;
    announced.add(card.id);
    card.setAttribute('data-live', '');
    document.getElementById('offer-said').textContent = card.dataset.said;
    if (!document.querySelector('#my-work[data-quiet]')) ring(card, tray);
  }
  tick();
});
// Who accepts leaves what he was in.
document.addEventListener('click', (event) => {
  if (!event.target.closest('[data-key="accept-offer"]')) return;
  document.querySelector('dialog[open]')?.close();
  place();
});

if (document.getElementById('my-work')) {
  setInterval(tick, 500);
  refresh();
}
