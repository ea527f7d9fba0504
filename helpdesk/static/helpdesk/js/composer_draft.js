// Drafts: on the server within two seconds after typing stops, in this browser until they are there. Words somebody typed are
// never cleared by anything but his own sending or discarding.
import { area, aside, closeAside, form, grow, hint, paper, rewrite } from './composer_box.js';
import { elementsOf } from './fragments.js';
import { merge } from './merge.js';
import { showToast } from './toasts.js';
import { headers, shownSeq, words } from './words.js';

const SAVE_AFTER_MS = 1200;
const RETRY_AFTER_MS = 3000;
let timer = 0;
let dirty = false;
let saving = null;
let newer = null;

// --- the net: what has not reached the server yet. One's own words only, and none but the person who typed them sees them.
const netKey = (composer, mode) => `draft:${composer.dataset.user}:${composer.dataset.number}:${mode}`;

function net(composer, mode, text) {
  try {
    if (text.trim()) localStorage.setItem(netKey(composer, mode), text);
    else localStorage.removeItem(netKey(composer, mode));
  } catch { /* a full or forbidden store: the server still has the draft */ }
}

function caught(composer, mode) {
  try { return localStorage.getItem(netKey(composer, mode)) ?? ''; } catch { return ''; }
}

/** Forgets what other people left in this browser; `all` at signing out. */
function clearNets(mine) {
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith('draft:') && !(mine && key.startsWith(`draft:${mine}:`))) localStorage.removeItem(key);
  } catch { /* no store */ }
}

/** After a crash: offers the words that had not reached the server. */
function offerCaught() {
  const composer = form();
  if (!composer) return;
  clearNets(composer.dataset.user);
  const modes = [composer.dataset.mode, composer.dataset.mode === 'note' ? 'reply' : 'note'];
  for (const mode of modes) {
    const words_ = caught(composer, mode);
    if (!words_.trim() || !paper(mode)) continue;
    if (paper(mode).value.trim() === words_.trim()) { net(composer, mode, ''); continue; }
    aside('crashed', { quoted: words_.length > 400 ? `${words_.slice(0, 400)}…` : words_ });
    document.getElementById('composer-alert').dataset.mode = mode;
    return;
  }
}

// --- the server ------------------------------------------------------------------------------------------------------

const revision = (mode) => `${mode}Revision`;

/** Keeps the draft on the server now. */
export async function save({ leaving = false } = {}) {
  const composer = form();
  clearTimeout(timer);
  if (!composer || !dirty) return;
  dirty = false;
  const mode = composer.dataset.mode;
  const text = area()?.value ?? '';
  const data = new FormData(composer);
  data.set('mode', mode);
  data.set('text', text);
  data.set('base', composer.dataset[revision(mode)] ?? '');
  for (const key of ['file', 'seen_seq', 'client_id', 'send_at']) data.delete(key);
  try {
    saving = fetch(composer.dataset.draft, { method: 'POST', body: new URLSearchParams(data), headers: headers(), keepalive: leaving });
    const answer = await saving;
    if (answer.status === 409) { quarrel(composer, mode, await answer.json()); return; }
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    const kept = await answer.json();
    composer.dataset[revision(mode)] = kept.revision;
    if (caught(composer, mode) === text) net(composer, mode, '');
    if (composer === form() && !dirty) hint(kept.words);
  } catch {
    if (composer !== form()) return;
    dirty = true;
    hint(words('unsaved'));
    timer = setTimeout(save, RETRY_AFTER_MS);
  } finally {
    saving = null;
  }
}

/** Another device has kept other words since: both are shown, nothing is overwritten. */
function quarrel(composer, mode, found) {
  if (composer !== form()) return;
  newer = { mode, text: found.text, revision: found.revision };
  hint('');
  aside('newer', { said: found.words, quoted: found.text });
}

function settle(verb) {
  const text = newer && paper(newer.mode);
  if (!text) return;
  const mine = text.value;
  form().dataset[revision(newer.mode)] = newer.revision;
  closeAside();
  if (verb === 'draft-mine') touch();
  else rewrite(text, verb === 'draft-both' ? `${mine.trimEnd()}\n\n${newer.text}` : newer.text);
  newer = null;
  grow(text);
  text.focus();
}

/** Something was typed: into the net at once, to the server soon. */
export function touch() {
  const composer = form();
  if (!composer) return;
  dirty = true;
  net(composer, composer.dataset.mode, area()?.value ?? '');
  hint(words('saving'));
  clearTimeout(timer);
  timer = setTimeout(save, SAVE_AFTER_MS);
}

export const isDirty = () => dirty;

/** Throws the draft of one mode away; with `redraw` the composer is drawn anew. */
export async function discard(mode, { redraw = true } = {}) {
  const composer = form();
  clearTimeout(timer);
  dirty = false;
  if (saving) await saving.catch(() => {});
  net(composer, mode, '');
  const data = new URLSearchParams({ mode, seq: String(shownSeq()) });
  try {
    const reply = await fetch(composer.dataset.discard, { method: 'POST', body: data, headers: headers() });
    if (!reply.ok) throw new Error(String(reply.status));
    if (!redraw) { composer.dataset[revision(mode)] = ''; return; }
    const fresh = elementsOf(await reply.text()).find((element) => element.id === 'composer');
    if (fresh) merge(fresh.outerHTML, { own: true });
  } catch { showToast(words('failed'), 'error'); }
}

document.addEventListener('input', (event) => {
  if (!event.target.matches('.composer__text')) return;
  grow(event.target);
  touch();
});
addEventListener('pagehide', () => save({ leaving: true }));
addEventListener('online', () => save());
document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'hidden') save({ leaving: true }); });
document.addEventListener('submit', (event) => { if (event.target.action?.includes('/logout/')) clearNets(''); });

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
document.addEventListener('htmx:configRequest', (event) => {
  if (event.detail.elt.id !== 'compose') return;
  clearTimeout(timer);
  dirty = false;
});
// Before the answer is merged: what was sent needs the net no more, and the fresh composer must not offer it.
document.addEventListener('htmx:beforeOnLoad', (event) => {
  const { elt, xhr } = event.detail;
  if (elt.id === 'compose' && xhr.status < 300) net(elt, elt.dataset.mode, '');
});
document.addEventListener('htmx:afterRequest', (event) => {
  const { successful, pathInfo } = event.detail;
  if (successful && !document.getElementById('side-form') && /^\/messages\/.*\/undo\/$/.test(pathInfo.requestPath)) paper('reply')?.focus(); // to go on writing
  if (event.detail.elt.id !== 'compose' || event.detail.successful) return;
  dirty = true;
  timer = setTimeout(save, SAVE_AFTER_MS);
});

document.addEventListener('click', (event) => {
  const verb = event.target.closest('[data-do]')?.dataset.do ?? '';
  if (verb.startsWith('draft-')) settle(verb);
  if (verb === 'discard') discard(form().dataset.mode);
  if (verb === 'net-back' || verb === 'net-drop') {
    const mode = document.getElementById('composer-alert').dataset.mode;
    const kept = caught(form(), mode);
    closeAside();
    if (verb === 'net-drop') { net(form(), mode, ''); return; }
    document.dispatchEvent(new CustomEvent('composer:mode', { detail: mode }));
    rewrite(paper(mode), kept);
  }
});

document.addEventListener('desk:merged', ({ detail }) => {
  if (!detail.placed.includes('talk') && !detail.placed.includes('composer')) return;
  dirty = false;
  newer = null;
  if (area()) grow(area());
  offerCaught();
});
if (area()) grow(area());
offerCaught();
