// What stands beside the conversation: the panel for third parties and its draft, the checklist that is dragged into order.
import { headers, words } from './words.js';
import { showZone } from './zones.js';

const SAVE_AFTER_MS = 1200;
const panel = () => document.getElementById('side');
const form = () => document.getElementById('side-form');
let timer = 0;

async function keep() {
  clearTimeout(timer);
  timer = 0;
  const writing = form();
  if (!writing) return;
  const data = new URLSearchParams({ mode: 'forward', text: writing.elements.text.value });
  for (const kind of ['to', 'cc']) for (const one of writing.elements[kind].value.split(/[,;،]/)) if (one.trim()) data.append(kind, one.trim());
  const hint = document.getElementById('side-hint');
  try {
    const answer = await fetch(writing.dataset.draft, { method: 'POST', body: data, headers: headers(), keepalive: true });
    if (answer.ok && hint) hint.textContent = (await answer.json()).words;
  } catch { if (hint) hint.textContent = words('unsaved'); }
}

document.addEventListener('input', (event) => {
  if (!event.target.closest?.('#side-form') || event.target.type === 'file') return;
  clearTimeout(timer);
  timer = setTimeout(keep, SAVE_AFTER_MS);
});
document.addEventListener('change', (event) => {
  if (event.target.name === 'upload' && event.target.closest('#side-form')) document.getElementById('side-files').textContent = [...event.target.files].map((file) => file.name).join(', ');
});
addEventListener('pagehide', () => { if (timer) keep(); });
document.addEventListener('htmx:beforeRequest', (event) => { if (event.detail.elt.id === 'side-form') clearTimeout(timer); });

function close() {
  if (timer) keep();
  panel()?.replaceChildren();
  document.getElementById('talk')?.focus();
}

document.addEventListener('keydown', (event) => {
  if (!event.target.closest?.('#side-form')) return;
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); form().requestSubmit(); }
  if (event.key === 'Escape') { event.preventDefault(); close(); }
});

document.addEventListener('desk:merged', ({ detail }) => {
  if (!detail.placed.includes('side') || !form()) return;
  showZone('conversation');
  const to = document.getElementById('side-to');
  (to.value ? document.getElementById('side-text') : to).focus();
  form().scrollIntoView({ block: 'nearest' });
});

document.addEventListener('click', (event) => {
  const verb = event.target.closest('[data-do]')?.dataset.do;
  if (verb === 'side-close') close();
  if (verb === 'checklist') setTimeout(showChecklist);
});

function showChecklist() {
  const list = document.getElementById('sect-checklist');
  if (!list) return;
  list.open = true;
  document.body.setAttribute('data-context', '');
  if (matchMedia('(max-width: 48rem)').matches) showZone('context');
  list.scrollIntoView({ block: 'start' });
  (list.querySelector('.todo__tick') ?? list).focus({ preventScroll: true });
}

let dragged = null;
document.addEventListener('dragstart', (event) => {
  dragged = event.target.closest?.('.todo__line[draggable]') ?? null;
  if (dragged) event.dataTransfer.effectAllowed = 'move';
});
document.addEventListener('dragover', (event) => {
  const line = event.target.closest?.('.todo__line');
  if (!dragged || !line || line === dragged) return;
  event.preventDefault();
  const box = line.getBoundingClientRect();
  if (event.clientY < box.top + box.height / 2) line.before(dragged);
  else line.after(dragged);
});
document.addEventListener('drop', (event) => { if (dragged) event.preventDefault(); });
document.addEventListener('dragend', () => {
  const list = dragged?.closest('.todo');
  if (list) htmx.ajax('POST', list.dataset.moves, { source: list, swap: 'none', values: { do: 'move', item: dragged.dataset.item, to: String([...list.children].indexOf(dragged)) } });
  dragged = null;
});
