// Macros: the menu is fetched when it opens; keys choose the first nine; the plan stands above the composer until it is done
// or left. What a macro writes comes into the reply and is not sent.
import { aside, grow, insertAt, paper, selectPlace } from './composer_box.js';
import { showCaps } from './keys-table.js';
import { merge } from './merge.js';
import { headers } from './words.js';

async function fetchMenu() {
  const composer = document.getElementById('compose');
  if (!composer) return false;
  try {
    const answer = await fetch(composer.dataset.macros, { headers: headers() });
    if (answer.ok) merge(await answer.text(), { own: true });
    return answer.ok;
  } catch { return false; }
}

document.addEventListener('toggle', async (event) => {
  if (event.target.id !== 'pick-macro' || !event.target.open) return;
  await fetchMenu();
  showCaps(event.target);
  document.querySelector('#macro-menu .menu__item')?.focus({ preventScroll: true });
}, true);

/** Shows what the macro with this key (1 to 9) will do. */
export async function planMacro(key) {
  if (await fetchMenu()) document.querySelector(`#macro-menu [data-macro="${key}"]`)?.click();
}

function closePlan() {
  document.getElementById('macro-plan')?.replaceChildren();
}

document.addEventListener('click', (event) => {
  if (event.target.closest('[data-do="plan-close"]')) { closePlan(); document.getElementById('talk')?.focus(); }
});
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape' || !event.target.closest?.('#macro-plan')) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  closePlan();
  document.getElementById('talk')?.focus();
}, true);

document.addEventListener('desk:merged', ({ detail }) => {
  if (!detail.placed.includes('macro-plan')) return;
  const plan = document.getElementById('macro-plan');
  (document.getElementById('run-macro') ?? document.getElementById('leave-macro'))?.focus();
  const { insert, warning } = plan.dataset;
  delete plan.dataset.insert;
  if (warning) aside('warning', { said: warning });
  if (!insert || !paper('reply')) return;
  document.dispatchEvent(new CustomEvent('composer:mode', { detail: 'reply' }));
  const text = paper('reply');
  const before = text.value;
  const gap = before && !before.endsWith('\n\n') ? (before.endsWith('\n') ? '\n' : '\n\n') : '';
  insertAt(text, gap + insert, before.length, before.length);
  selectPlace(text, before.length);
  grow(text);
});
