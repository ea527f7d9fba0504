// The table of keys: our own stands in the help dialog (helpdesk/desk_keys.py wrote it), what the person made of it on <body>.
import { capsOf } from './keys-press.js';

const help = document.getElementById('help');
const own = JSON.parse(document.body.dataset.keys || '{}');
const actions = new Map();
for (const row of help?.querySelectorAll('[data-action]') ?? []) {
  const name = row.dataset.action;
  actions.set(name, { key: own.map?.[name] ?? row.dataset.default, words: row.textContent.trim() });
}
const single = own.single !== false;
const bound = new Map([...actions].filter(([, { key }]) => key && (single || key.startsWith('Mod+'))).map(([name, { key }]) => [key, name]));

/** The action of a key, or of keys pressed one after the other; undefined for none. */
export const actionOf = (key) => bound.get(key);
/** Whether longer keys begin like this. */
export const isBeginning = (key) => [...bound.keys()].some((other) => other.startsWith(`${key} `));
/** Whether a key means something, alone or as a beginning. */
export const means = (key) => bound.has(key) || isBeginning(key);
/** The key of an action, "" for none. */
export const keyOf = (action) => { const key = actions.get(action)?.key ?? ''; return bound.get(key) === action ? key : ''; };
/** All actions with their words. */
export const everyAction = () => [...actions].map(([name, { words }]) => ({ name, words }));

/** The caps of a key as elements. */
export function caps(key) {
  return capsOf(key).flatMap((cap, at) => {
    const element = document.createElement('kbd');
    element.className = 'kbd';
    element.textContent = cap;
    return at ? [' ', element] : [element];
  });
}

// The help shows the keys as they are now.
for (const row of help?.querySelectorAll('[data-action]') ?? []) {
  const key = keyOf(row.dataset.action);
  if (own.map || !single || key.startsWith('Mod+')) row.previousElementSibling.replaceChildren(...(key ? caps(key) : ['–']));
}
if (help && !single) help.querySelector('[data-single]').hidden = false;
/** So do the menus: a hint in one of them names the action whose key it shows. */
export function showCaps(menu) {
  if (!own.map && single) return;
  for (const hint of menu.querySelectorAll('[data-cap]')) {
    const key = keyOf(hint.dataset.cap);
    hint.replaceChildren(...(key ? caps(key) : []));
  }
}
document.addEventListener('toggle', ({ target }) => showCaps(target), true);
