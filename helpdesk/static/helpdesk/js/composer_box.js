// The composer's box: what its modules share. One form, two papers (reply and note), one place for what must be said.
export const form = () => document.getElementById('compose');
export const area = () => form()?.querySelector('textarea:not([disabled])') ?? null;
export const paper = (mode) => document.getElementById(`text-${mode}`);

/** The short line beside the buttons. */
export function hint(said) {
  const box = document.getElementById('draft-hint');
  if (box) box.textContent = said;
}

export function grow(text) {
  text.style.blockSize = 'auto';
  if (text.scrollHeight <= text.clientHeight) return;  // three lines are there anyway: nothing moves
  text.style.blockSize = `${Math.min(text.scrollHeight + 2, innerHeight * 0.45)}px`;
}

/** Puts words at the cursor (or over `start`..`end`), so that the browser's own undo takes them back. */
export function insertAt(text, words, start = text.selectionStart, end = text.selectionEnd) {
  text.focus();
  text.setSelectionRange(start, end);
  if (!words) return;
  if (document.execCommand('insertText', false, words)) return;
  text.setRangeText(words, start, end, 'end');
  text.dispatchEvent(new Event('input', { bubbles: true }));
}

/** Replaces all that is written. */
export function rewrite(text, words) {
  text.value = words;
  text.dispatchEvent(new Event('input', { bubbles: true }));
}

/** Selects the first place such as {{customer.name}} that still stands open behind `from`, so that typing fills it. */
export function selectPlace(text, from = 0) {
  const found = /\{\{[ \t]*[A-Za-z][\w.-]*[ \t]*\}\}/.exec(text.value.slice(from));
  if (found) text.setSelectionRange(from + found.index, from + found.index + found[0].length);
  return Boolean(found);
}

/** Shows one of the prepared asides above the composer (templates/desk/_composer_asides.html). */
export function aside(name, { said = '', quoted = '' } = {}) {
  const box = document.getElementById('composer-alert');
  const ready = document.getElementById(`aside-${name}`)?.content.firstElementChild.cloneNode(true);
  if (!box || !ready) return;
  const place = ready.querySelector('[data-words]');
  if (place) place.textContent = said;
  const text = ready.querySelector('[data-text]');
  if (text) text.textContent = quoted;
  ready.dataset.aside = name;
  box.replaceChildren(ready);
}

/** Takes the aside away: any, or only the one called `name`. */
export function closeAside(name = '') {
  const box = document.getElementById('composer-alert');
  if (!name || box?.firstElementChild?.dataset.aside === name) box?.replaceChildren();
}
