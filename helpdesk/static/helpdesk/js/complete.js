// The list of suggestions under the hand: a listbox that a text field drives while the cursor stays in the text. It knows
// nothing of where its items come from (composer_marks.js). The list itself never takes the focus.
import { say, words } from './words.js';

const box = () => document.getElementById('complete');
let field = null;
let items = [];
let at = -1;
let onPick = () => {};

export const isOpen = () => items.length > 0 && !(box()?.hidden ?? true);

function part(name, text) {
  const span = document.createElement('span');
  span.className = name;
  span.dir = 'auto';
  span.textContent = text;
  return span;
}

/** An item: {title, sub, hint, group, mark}; all of it is text. */
function option(item, index) {
  const row = document.createElement('div');
  row.className = 'menu__item complete__item';
  row.id = `complete-${index}`;
  row.setAttribute('role', 'option');
  row.dataset.index = String(index);
  const main = part('complete__main', '');
  main.removeAttribute('dir');
  main.append(part('complete__title', item.title));
  if (item.mark) main.append(part('chip', item.mark));
  if (item.sub) main.append(part(item.missing ? 'menu__sub complete__missing truncate' : 'menu__sub truncate', item.group ? `${item.group} · ${item.sub}` : item.sub));
  row.append(main);
  if (item.hint) row.append(part('menu__keys muted', item.hint));
  return row;
}

function choose(index) {
  at = (index + items.length) % items.length;
  for (const row of box().children) {
    const here = Number(row.dataset.index) === at;
    row.setAttribute('aria-selected', String(here));
    if (here) row.scrollIntoView({ block: 'nearest' });
  }
  field.setAttribute('aria-activedescendant', `complete-${at}`);
}

/** Shows `found` for the text field `text`; `pick` is called with the item chosen. An empty list closes. */
export function show(text, found, pick) {
  if (!found.length) { close(); return; }
  const fresh = !isOpen();
  field = text;
  items = found;
  onPick = pick;
  box().replaceChildren(...found.map(option));
  box().hidden = false;
  choose(0);
  if (fresh) say(words('choices', found.length));
}

export function close() {
  items = [];
  at = -1;
  field?.removeAttribute('aria-activedescendant');
  const list = box();
  if (list && !list.hidden) { list.hidden = true; list.replaceChildren(); }
}

function pick(index) {
  const item = items[index];
  close();
  if (item) onPick(item);
}

// Before every other listener: while the list is open its keys are its own.
document.addEventListener('keydown', (event) => {
  if (!isOpen() || event.target !== field || event.isComposing) return;
  if (event.ctrlKey || event.metaKey || event.altKey) { close(); return; }
  if (event.key === 'ArrowDown') choose(at + 1);
  else if (event.key === 'ArrowUp') choose(at - 1);
  else if (event.key === 'Enter' || (event.key === 'Tab' && !event.shiftKey)) pick(at);
  else if (event.key === 'Escape') { field.dispatchEvent(new CustomEvent('complete:dismissed', { bubbles: true })); close(); } else return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);

document.addEventListener('pointerdown', (event) => { if (event.target.closest('#complete')) event.preventDefault(); });
document.addEventListener('click', (event) => {
  const row = event.target.closest('#complete [role="option"]');
  if (row) pick(Number(row.dataset.index));
});
document.addEventListener('focusout', (event) => { if (event.target === field) setTimeout(() => { if (document.activeElement !== field) close(); }, 120); });
