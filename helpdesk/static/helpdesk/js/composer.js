// The composer: mode, recipients, draft within two seconds, sending. Words somebody typed are never cleared by anything
// but his own sending or discarding.
import { elementsOf, fill } from './fragments.js';
import { merge } from './merge.js';
import { showToast } from './toasts.js';
import { headers, shownSeq, words } from './words.js';

const SAVE_AFTER_MS = 1200;
const form = () => document.getElementById('compose');
const text = () => form()?.querySelector('textarea:not([disabled])');
let timer = 0;
let dirty = false;
let saving = null;

function hint(said) {
  const box = document.getElementById('draft-hint');
  if (box) box.textContent = said;
}

function grow(area) {
  area.style.blockSize = 'auto';
  area.style.blockSize = `${Math.min(area.scrollHeight + 2, innerHeight * 0.45)}px`;
}

/** Opens the reply or the note tab. */
export function setMode(mode, { focus = true } = {}) {
  const composer = form();
  if (!composer?.querySelector(`#text-${mode}`)) return false;
  if (composer.dataset.mode !== mode && dirty) save();
  composer.dataset.mode = mode;
  composer.elements.mode.value = mode;
  for (const area of composer.querySelectorAll('textarea')) area.disabled = area.id !== `text-${mode}`;
  for (const tab of composer.querySelectorAll('[role="tab"]')) tab.setAttribute('aria-selected', String(tab.id === `tab-${mode}`));
  if (focus) text().focus();
  grow(text());
  return true;
}

function formData(composer) {
  const data = new FormData(composer);
  data.set('mode', composer.dataset.mode);
  data.set('text', text()?.value ?? '');
  return data;
}

/** Keeps the draft on the server now. */
async function save({ leaving = false } = {}) {
  const composer = form();
  clearTimeout(timer);
  if (!composer || !dirty) return;
  dirty = false;
  const data = formData(composer);
  for (const key of ['file', 'seen_seq', 'client_id']) data.delete(key);
  try {
    saving = fetch(composer.dataset.draft, { method: 'POST', body: new URLSearchParams(data), headers: headers(), keepalive: leaving });
    const answer = await saving;
    if (!answer.ok) throw new Error(String(answer.status));
    if (composer === form()) hint((await answer.json()).words);
  } catch {
    dirty = true;
    hint(words('unsaved'));
    timer = setTimeout(save, 3000);
  } finally {
    saving = null;
  }
}

function touch() {
  dirty = true;
  hint(words('saving'));
  clearTimeout(timer);
  timer = setTimeout(save, SAVE_AFTER_MS);
}

document.addEventListener('input', (event) => {
  if (!event.target.matches('.composer__text')) return;
  grow(event.target);
  touch();
});
addEventListener('pagehide', () => save({ leaving: true }));
document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'hidden') save({ leaving: true }); });
document.addEventListener('htmx:beforeRequest', (event) => {
  if (event.detail.elt.id === 'compose') return;
  save();
});

// A draft on its way must not arrive after the reply it became, nor a taken-back reply overtake the words just typed.
document.addEventListener('htmx:confirm', (event) => {
  const { elt, path, issueRequest } = event.detail;
  const takesBack = path.endsWith('/undo/');
  if (elt.id !== 'compose' && !takesBack) return;
  if (takesBack && dirty) save();
  if (!saving) return;
  event.preventDefault();
  saving.catch(() => {}).finally(() => issueRequest(true));
});

// --- sending -------------------------------------------------------------------------------------------------------
document.addEventListener('click', (event) => {
  const button = event.target.closest('#compose [type="submit"]');
  if (!button) return;
  const composer = form();
  if (addTyped() === false) { event.preventDefault(); return; }
  composer.elements.then_status.value = button.dataset.then ?? '';
  if (composer.elements.send_at && !('later' in button.dataset)) composer.elements.send_at.value = '';
  if ('later' in button.dataset && !composer.elements.send_at.value) {
    event.preventDefault();
    composer.elements.send_at.focus();
    composer.elements.send_at.showPicker?.();
  }
}, true);

document.addEventListener('htmx:configRequest', (event) => {
  if (event.detail.elt.id !== 'compose') return;
  clearTimeout(timer);
  dirty = false;
  event.detail.parameters.set('seq', String(shownSeq()));
  event.detail.parameters.delete('');
});
document.addEventListener('htmx:afterRequest', (event) => {
  if (event.detail.elt.id !== 'compose') return;
  const composer = form();
  if (composer?.elements.anyway) composer.elements.anyway.value = '';
  if (!event.detail.successful) { dirty = true; timer = setTimeout(save, SAVE_AFTER_MS); }
});

/** Sends what is written; `then` is a status to set with it. */
export function send(then = '') {
  const composer = form();
  if (!composer) return;
  const button = composer.dataset.mode === 'note' ? composer.querySelector('#send-note') : composer.querySelector(then ? `[data-then="${then}"]` : '#send');
  button?.click();
}

document.addEventListener('click', async (event) => {
  const button = event.target.closest('[data-do]');
  const verb = button?.dataset.do ?? '';
  if (verb.startsWith('mode:')) setMode(verb.slice(5));
  if (verb === 'send-anyway') { form().elements.anyway.value = '1'; send(form().elements.then_status.value); }
  if (verb === 'not-later') { form().elements.send_at.value = ''; button.closest('details').open = false; }
  if (verb === 'chip-remove') { button.closest('.chip').remove(); touch(); }
  if (verb === 'answer') answer(button.dataset.recipients);
  if (verb === 'discard') discard(button.dataset.discard);
});

async function discard(url) {
  clearTimeout(timer);
  dirty = false;
  if (saving) await saving.catch(() => {});
  const data = new URLSearchParams({ mode: form().dataset.mode, seq: String(shownSeq()) });
  try {
    const reply = await fetch(url, { method: 'POST', body: data, headers: headers() });
    if (reply.ok) {
      const fresh = elementsOf(await reply.text()).find((element) => element.id === 'composer');
      if (fresh) merge(fresh.outerHTML, { own: true });
    }
  } catch { showToast(words('failed'), 'error'); }
}

// --- recipients ----------------------------------------------------------------------------------------------------
async function answer(url) {
  if (!setMode('reply')) return;
  const reply = await fetch(url, { headers: headers() });
  if (!reply.ok) return;
  fill(document.getElementById('recipients'), await reply.text());
  document.getElementById('foot').scrollIntoView({ block: 'nearest' });
  text().focus();
}

/** Makes a chip of the address being typed; false when it is none. */
function addTyped() {
  const field = document.getElementById('to-new');
  const error = document.getElementById('to-error');
  if (!field || !field.value.trim()) { if (error) error.textContent = ''; return true; }
  if (!field.checkValidity()) {
    error.textContent = words('badAddress');
    field.setAttribute('aria-invalid', 'true');
    field.focus();
    return false;
  }
  const kind = document.getElementById('to-kind');
  const chip = document.getElementById('chip-template').content.firstElementChild.cloneNode(true);
  chip.dataset.kind = kind.value;
  chip.querySelector('.to__kind').textContent = kind.selectedOptions[0].textContent;
  chip.querySelector('.ltr').textContent = field.value.trim();
  chip.querySelector('input').name = kind.value;
  chip.querySelector('input').value = field.value.trim();
  chip.querySelector('.visually-hidden').textContent = words('remove', field.value.trim());
  field.closest('.to-add').before(chip);
  field.value = '';
  field.removeAttribute('aria-invalid');
  error.textContent = '';
  touch();
  return true;
}

document.addEventListener('keydown', (event) => {
  if (event.target.id === 'to-new' && ['Enter', ',', ';', '،', '؛', '，', '；'].includes(event.key)) {
    event.preventDefault();
    addTyped();
  }
  const tab = event.target.closest?.('[role="tab"]');
  if (tab && ['ArrowLeft', 'ArrowRight'].includes(event.key)) {
    const tabs = [...tab.parentElement.querySelectorAll('[role="tab"]')];
    const next = tabs[(tabs.indexOf(tab) + 1) % tabs.length];
    next.click();
    next.focus();
  }
});
document.addEventListener('focusout', (event) => { if (event.target.id === 'to-new' && event.target.checkValidity()) addTyped(); });

document.addEventListener('desk:merged', ({ detail }) => {
  if (detail.placed.includes('talk') || detail.placed.includes('composer')) {
    dirty = false;
    if (text()) grow(text());
  }
});
if (text()) grow(text());
