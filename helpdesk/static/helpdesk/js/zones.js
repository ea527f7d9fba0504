// Zones: one at a time on a phone, the context as a drawer in between, their widths by drag and by keys, the theme of this
// device, help.
import { headers } from './words.js';

const body = document.body;

/** Shows a zone on a narrow screen. */
export function showZone(name) {
  body.dataset.zone = name;
  for (const button of document.querySelectorAll('.desk__bottom [data-do^="zone:"]')) {
    button.setAttribute('aria-pressed', String(button.dataset.do === `zone:${name}`));
  }
}

function turnTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  const secure = location.protocol === 'https:' ? ';secure' : '';
  document.cookie = `theme=${root.dataset.theme};path=/;max-age=31536000;samesite=lax${secure}`;
}

document.addEventListener('click', (event) => {
  const verb = event.target.closest('[data-do]')?.dataset.do ?? '';
  if (verb.startsWith('zone:')) showZone(verb.slice(5));
  if (verb === 'context') body.toggleAttribute('data-context');
  if (verb === 'theme') turnTheme();
  if (verb === 'help') document.getElementById('help').showModal();
  if (!event.target.closest('.desk__context, [data-do="context"]')) body.removeAttribute('data-context');
});
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && body.hasAttribute('data-context') && !event.defaultPrevented) body.removeAttribute('data-context');
}, true);

document.addEventListener('desk:merged', ({ detail }) => {
  if (!detail.own) return;
  if (detail.placed.includes('list')) showZone('list');
  else if (detail.placed.includes('talk')) showZone('conversation');
});

document.addEventListener('click', (event) => {
  const copy = event.target.closest('[data-copy]');
  if (copy) navigator.clipboard?.writeText(copy.dataset.copy).catch(() => {});
});

// --- widths --------------------------------------------------------------------------------------------------------------
// A separator moves the edge of its zone: dragged, or by arrow keys; Home and End are its limits, a double click or Enter
// gives the width of the house back. Kept on the server, so that every device of the person has it.
const KEEP_AFTER_MS = 600;
const STEP = 16;
const zoneOf = { nav: '.desk__nav', list: '.desk__list', context: '.desk__context' };
const waiting = {};
let timer = 0;

const widthOf = (name) => Math.round(document.querySelector(zoneOf[name])?.getBoundingClientRect().width ?? 0);

function tell(sizer) {
  sizer.setAttribute('aria-valuenow', String(widthOf(sizer.dataset.sizes)));
}

function keep() {
  clearTimeout(timer);
  timer = setTimeout(() => {
    fetch(document.getElementById('sizers').dataset.keep, { method: 'POST', body: JSON.stringify(waiting), headers: { ...headers(), 'Content-Type': 'application/json' }, keepalive: true }).catch(() => {});
  }, KEEP_AFTER_MS);
}

function size(sizer, width) {
  const name = sizer.dataset.sizes;
  const property = `--my-${name}-w`;
  if (width === null) document.documentElement.style.removeProperty(property);
  else {
    width = Math.round(Math.min(Number(sizer.ariaValueMax), Math.max(Number(sizer.ariaValueMin), width)));
    document.documentElement.style.setProperty(property, `${width}px`);
  }
  waiting[name] = width;
  tell(sizer);
  keep();
}

/** Which way the pointer must move to make the zone wider. */
const widens = (sizer) => (document.documentElement.dir === 'rtl' ? -1 : 1) * (sizer.dataset.sizes === 'context' ? -1 : 1);

for (const sizer of document.querySelectorAll('.sizer')) {
  tell(sizer);
  sizer.addEventListener('focus', () => tell(sizer));
  sizer.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    sizer.setPointerCapture(event.pointerId);
    const from = event.clientX;
    const width = widthOf(sizer.dataset.sizes);
    const move = (moved) => size(sizer, width + (moved.clientX - from) * widens(sizer));
    sizer.toggleAttribute('data-dragged', true);
    sizer.addEventListener('pointermove', move);
    sizer.addEventListener('lostpointercapture', () => {
      sizer.removeEventListener('pointermove', move);
      sizer.removeAttribute('data-dragged');
    }, { once: true });
  });
  sizer.addEventListener('dblclick', () => size(sizer, null));
  sizer.addEventListener('keydown', (event) => {
    const width = widthOf(sizer.dataset.sizes);
    if (event.key === 'ArrowLeft') size(sizer, width - STEP * widens(sizer));
    else if (event.key === 'ArrowRight') size(sizer, width + STEP * widens(sizer));
    else if (event.key === 'Home') size(sizer, Number(sizer.ariaValueMin));
    else if (event.key === 'End') size(sizer, Number(sizer.ariaValueMax));
    else if (event.key === 'Enter') size(sizer, null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}
