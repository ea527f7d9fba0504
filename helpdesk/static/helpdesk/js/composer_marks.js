// Marks while writing: `/` canned responses, `{{` variables, `@` colleagues, `#` tickets. What is typed behind a mark asks the
// server; what is chosen stands at the cursor.
import { close, isOpen, show } from './complete.js';
import { area, aside, closeAside, form, insertAt, selectPlace } from './composer_box.js';
import { touch } from './composer_draft.js';
import { elementsOf } from './fragments.js';
import { showToast } from './toasts.js';
import { headers, words } from './words.js';

const MARKS = [
  { kind: 'variable', mark: '{{', form: /\{\{([\w.]*)$/ },
  { kind: 'canned', mark: '/', form: /(?:^|\s)\/(?!\s)([^\n/]{0,40})$/ },
  { kind: 'people', mark: '@', form: /(?:^|[\s([])@(?!\s)([^\n@]{0,30})$/ },
  { kind: 'tickets', mark: '#', form: /(?:^|[\s([])#(?!\s)([^\n#]{0,40})$/ },
];
const ASK_AFTER_MS = 60;
let timer = 0;
let asked = null;
let dismissed = '';

/** The mark before the cursor: {kind, start, query}, or null. */
function markAt(text) {
  if (text.selectionStart !== text.selectionEnd) return null;
  const before = text.value.slice(Math.max(0, text.selectionStart - 60), text.selectionStart);
  for (const { kind, mark, form: shape } of MARKS) {
    const found = shape.exec(before);
    if (found) return { kind, query: found[1], start: text.selectionStart - found[1].length - mark.length };
  }
  return null;
}

const nameOf = (found) => `${found.kind}:${found.start}`;

function look(text) {
  clearTimeout(timer);
  const found = markAt(text);
  if (!found || dismissed === nameOf(found)) {
    if (!found) dismissed = '';
    close();
    return;
  }
  timer = setTimeout(() => ask(text, found), ASK_AFTER_MS);
}

async function ask(text, found) {
  asked?.abort();
  asked = new AbortController();
  const query = new URLSearchParams({ kind: found.kind, q: found.query });
  try {
    const answer = await fetch(`${form().dataset.complete}?${query}`, { headers: headers(), signal: asked.signal });
    if (!answer.ok) { close(); return; }
    const { items } = await answer.json();
    const now = markAt(text);
    if (text !== area() || !now || nameOf(now) !== nameOf(found)) return;
    show(text, items, (item) => choose(text, found, item));
  } catch { /* asked again, or offline: writing goes on */ }
}

async function choose(text, found, item) {
  const end = text.selectionEnd;
  if (item.go) { location.assign(item.go); return; } // the draft is kept at leaving
  if ('use' in item) { await useCanned(text, found.start, end, item.use); return; }
  insertAt(text, item.insert, found.start, end);
  if (item.missing) selectPlace(text, found.start);
  if ('mention' in item && form().dataset.mode === 'reply') aside('mention');
}

async function useCanned(text, start, end, key) {
  const typed = text.value;
  try {
    const answer = await fetch(form().dataset.canned.replace(/0\/$/, `${key}/`), { method: 'POST', headers: headers() });
    if (!answer.ok) throw new Error(String(answer.status));
    const found = await answer.json();
    const moved = text.value === typed ? end : start; // he typed on meanwhile: nothing of it is overwritten
    insertAt(text, found.text, start, moved);
    document.getElementById('uploads').append(...elementsOf(found.files));
    if (found.warning) {
      aside('warning', { said: found.warning });
      selectPlace(text, start);
    } else closeAside('warning');
    touch();
  } catch { showToast(words('failed'), 'error'); }
}

document.addEventListener('input', (event) => { if (event.target.matches('.composer__text') && !event.isComposing) look(event.target); });
document.addEventListener('compositionend', (event) => { if (event.target.matches('.composer__text')) look(event.target); });
document.addEventListener('keyup', (event) => {
  if (event.target.matches?.('.composer__text') && ['ArrowLeft', 'ArrowRight', 'Home', 'End'].includes(event.key)) look(event.target);
});
document.addEventListener('click', (event) => {
  if (event.target.matches?.('.composer__text') && isOpen()) look(event.target);
  const button = event.target.closest('[data-do]');
  if (button?.dataset.do === 'insert') insertMark(button.dataset.mark);
  if (button?.dataset.do === 'canned-keep') openKeep();
  if (button?.dataset.do === 'dialog-close') button.closest('dialog').close();
});
document.addEventListener('complete:dismissed', (event) => {
  const found = markAt(event.target);
  dismissed = found ? nameOf(found) : '';
});

/** The same lists by mouse: the mark is typed for the person. */
function insertMark(mark) {
  const text = area();
  if (!text) return;
  const before = text.value.slice(0, text.selectionStart);
  dismissed = '';
  setTimeout(() => insertAt(text, before && !/\s$/.test(before) ? ` ${mark}` : mark)); // the menu closes first
}

// --- keeping what is written as a canned response --------------------------------------------------------------------
function openKeep() {
  const dialog = document.getElementById('keep-canned');
  const text = area();
  if (!dialog || !text) return;
  const chosen = text.value.slice(text.selectionStart, text.selectionEnd);
  document.getElementById('keep-text').value = chosen.trim() || text.value;
  document.getElementById('keep-files').hidden = !document.querySelector('#uploads [name="file"]');
  dialog.showModal();
}
document.addEventListener('htmx:configRequest', (event) => {
  if (!event.detail.elt.closest?.('#keep-canned')) return;
  const box = document.getElementById('keep-files');
  if (box.hidden || !box.querySelector('input').checked) return;
  for (const file of document.querySelectorAll('#uploads [name="file"]')) event.detail.parameters.append('file', file.value);
});
document.addEventListener('canned-kept', () => {
  const dialog = document.getElementById('keep-canned');
  dialog?.close();
  dialog?.querySelector('form').reset();
});
