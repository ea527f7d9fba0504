// The composer: reply or note, sending, and what is asked before words leave. Its parts: composer_draft.js, _recipients.js,
// _marks.js (lists at the cursor), _macros.js, _quote.js.
import { area, aside, closeAside, form, grow, paper, rewrite } from './composer_box.js';
import { discard, isDirty, save, touch } from './composer_draft.js';
import { quote, rememberedWords, selectedWords } from './composer_quote.js';
import { addTyped, answer, checkCustomer } from './composer_recipients.js';
import { shownSeq } from './words.js';
import './composer_marks.js';
import './composer_macros.js';

/** Opens the reply or the note tab. */
export function setMode(mode, { focus = true } = {}) {
  const composer = form();
  if (!composer?.querySelector(`#text-${mode}`)) return false;
  if (composer.dataset.mode !== mode && isDirty()) save();
  composer.dataset.mode = mode;
  composer.elements.mode.value = mode;
  for (const text of composer.querySelectorAll('.composer__text')) text.disabled = text.id !== `text-${mode}`;
  for (const tab of composer.querySelectorAll('[role="tab"]')) tab.setAttribute('aria-selected', String(tab.id === `tab-${mode}`));
  checkCustomer();
  if (focus) area().focus();
  grow(area());
  return true;
}
document.addEventListener('composer:mode', ({ detail }) => setMode(detail));

/** Opens the reply; what is selected in a message is quoted. */
export function replyQuoting() {
  const chosen = selectedWords();
  if (setMode('reply')) quote(chosen);
}

/** A note is for colleagues: it becomes a reply only when somebody says so. */
function switchTo(mode) {
  const wasNote = form()?.dataset.mode === 'note';
  if (!setMode(mode)) return;
  closeAside('note-to-reply');
  if (mode === 'reply' && wasNote && paper('note')?.value.trim() && !paper('reply').value.trim()) aside('note-to-reply');
}

/** Moves all words from one paper to the other; the draft they leave is forgotten. */
async function moveWords(from, to) {
  const moved = paper(from).value;
  const before = paper(to).value.trimEnd();
  closeAside();
  await discard(from, { redraw: false });
  paper(from).value = '';
  setMode(to);
  rewrite(paper(to), before ? `${before}\n\n${moved}` : moved);
}

// --- sending -------------------------------------------------------------------------------------------------------
document.addEventListener('click', (event) => {
  const button = event.target.closest('#compose [type="submit"]');
  if (!button) return;
  const composer = form();
  if (addTyped() === false) { event.preventDefault(); return; }
  composer.elements.then_status.value = button.dataset.then ?? '';
  const own = document.getElementById('send-at');
  composer.elements.send_at.value = 'later' in button.dataset ? button.dataset.later || own.value : '';
  if (button.dataset.later === '' && !own.value) {
    event.preventDefault();
    own.focus();
    own.showPicker?.();
  }
}, true);

document.addEventListener('htmx:configRequest', (event) => {
  if (event.detail.elt.id !== 'compose') return;
  event.detail.parameters.set('seq', String(shownSeq()));
  event.detail.parameters.delete('');
});
document.addEventListener('htmx:afterRequest', (event) => {
  if (event.detail.elt.id !== 'compose') return;
  for (const field of ['anyway', 'asked']) if (form()?.elements[field]) form().elements[field].value = '';
  document.getElementById('send-asked')?.focus();
});

/** Sends what is written; `then` is a status to set with it. */
export function send(then = '') {
  const composer = form();
  if (!composer) return;
  const button = composer.dataset.mode === 'note' ? composer.querySelector('#send-note') : composer.querySelector(then ? `[data-then="${then}"]` : '#send');
  button?.click();
}

/** Sends once more as it was tried, the question answered. */
function sendStill(field) {
  const composer = form();
  composer.elements[field].value = '1';
  const later = composer.elements.send_at.value;
  if (!later) { send(composer.elements.then_status.value); return; }
  const button = composer.querySelector(`[data-later="${CSS.escape(later)}"]`) ?? composer.querySelector('[data-later=""]');
  button.click();
}

document.addEventListener('click', (event) => {
  const button = event.target.closest('[data-do]');
  const verb = button?.dataset.do ?? '';
  if (verb.startsWith('mode:')) switchTo(verb.slice(5));
  if (verb === 'send-anyway') sendStill('anyway');
  if (verb === 'send-asked') sendStill('asked');
  if (verb === 'alert-close') { closeAside(); area()?.focus(); }
  if (verb === 'note-moves') moveWords('note', 'reply');
  if (verb === 'reply-moves') moveWords('reply', 'note');
  if (verb === 'answer') answerQuoting(button.dataset.recipients);
});

async function answerQuoting(url) {
  const chosen = rememberedWords();
  await answer(url);
  quote(chosen);
}

document.addEventListener('keydown', (event) => {
  const tab = event.target.closest?.('#compose [role="tab"]');
  if (tab && ['ArrowLeft', 'ArrowRight'].includes(event.key)) {
    const tabs = [...tab.parentElement.querySelectorAll('[role="tab"]')];
    const next = tabs[(tabs.indexOf(tab) + 1) % tabs.length];
    next.click();
    next.focus();
  }
  if (event.key === 'Escape' && event.target.id === 'send-asked') {
    event.preventDefault();
    closeAside();
    area()?.focus();
  }
});
export { touch };
