// What keys do. An action is either one of `own` below, or it presses the element of the page that says
// data-key="its-name" (docs/architecture.md). Single keys rest while somebody types, in dialogs and in menus.
import { replyQuoting, send, setMode } from './composer.js';
import { planMacro } from './composer_macros.js';
import { actionOf, isBeginning, means } from './keys-table.js';
import { isMod, pressed } from './keys-press.js';
import { closeMenus } from './menus.js';
import { canUndoLast, showToast, undoLast } from './toasts.js';
import { words } from './words.js';
import { showZone } from './zones.js';

const FOLLOW_MS = 1500;
const rows = () => [...document.querySelectorAll('#rows .row')];
const talk = () => document.getElementById('talk');
const bulk = () => document.getElementById('bulk');

function typing(target) {
  return target.closest?.('input:not([type="checkbox"], [type="radio"], [type="button"], [type="submit"]), textarea, select, [contenteditable], dialog, .menu, .popover') !== null;
}

/** The row under the keys: the focused one, else that of the open ticket. */
function here() {
  return document.activeElement?.closest?.('#rows .row') ?? document.querySelector('#rows .row[data-current]');
}

function step(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(here());
  const next = at < 0 ? all[by > 0 ? 0 : all.length - 1] : all[Math.min(all.length - 1, Math.max(0, at + by))];
  const link = next.querySelector('.row__link');
  link.focus();
  next.scrollIntoView({ block: 'nearest' });
  if (talk()?.dataset.number && matchMedia('(min-width: 48.01rem)').matches) link.click();
}

function backToList() {
  if (document.body.dataset.layout === 'table' && talk()?.dataset.number) { document.getElementById('list-whole')?.click(); return; }
  const row = here() ?? rows()[0];
  showZone('list');
  row?.querySelector('.row__link').focus();
}

function resolveAndNext() {
  const all = rows();
  const at = all.findIndex((row) => row.hasAttribute('data-current'));
  const next = at < 0 ? undefined : (all[at + 1] ?? all[at - 1])?.id;
  if (!press('resolve')) return;
  const goOn = ({ detail }) => {
    if (detail.requestConfig.verb === 'get') return;  // a part of the page that was still on its way
    document.removeEventListener('htmx:afterRequest', goOn);
    // by its id: the doorbell may have drawn the list anew before the answer is here
    if (next) document.getElementById(next)?.querySelector('.row__link')?.click();
  };
  document.addEventListener('htmx:afterRequest', goOn);
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    showToast(words('copied', text));
  } catch { showToast(words('notCopied'), 'error'); }
}

const number = () => talk()?.dataset.number ?? here()?.dataset.number;
const subject = () => (talk()?.dataset.number ? document.getElementById('subject') : here()?.querySelector('.row__link'))?.textContent.trim();
const link = () => new URL(`/tickets/${number()}/`, location.href).href;

const own = {
  next: () => step(1),
  previous: () => step(-1),
  open: () => here()?.querySelector('.row__link').click(),
  back: backToList,
  search: () => { showZone('nav'); document.getElementById('find')?.select(); document.getElementById('find')?.focus(); },
  command: () => document.dispatchEvent(new CustomEvent('desk:command')),
  help: () => document.getElementById('help').showModal(),
  reply: () => { showZone('conversation'); replyQuoting(); },
  note: () => { showZone('conversation'); setMode('note'); },
  'reply-all': () => { showZone('conversation'); if (!press('reply-all')) setMode('reply'); },
  attach: () => document.getElementById('attach')?.click(),
  send: () => send(),
  'send-resolve': () => send('resolved'),
  'resolve-next': resolveAndNext,
  undo: () => press('undo') || undoLast(),
  select: () => here()?.querySelector('.row__check input')?.click(),
  'copy-number': () => number() && copy(`#${number()}`),
  'copy-title': () => number() && copy(`#${number()} ${subject()}`),
  'copy-link': () => number() && copy(link()),
  'go-inbox': () => document.getElementById('view-needs-me')?.click(),
  'go-mine': () => document.getElementById('view-mine')?.click(),
  'go-unassigned': () => document.getElementById('view-unassigned')?.click(),
};
for (let n = 1; n <= 9; n += 1) own[`macro-${n}`] = () => planMacro(n);
const IN_COMPOSER = new Set(['send', 'send-resolve']);

const elementsFor = (action) => [...document.querySelectorAll(`[data-key="${CSS.escape(action)}"]`)].filter((element) => !element.disabled && !element.closest('[hidden]'));

/** The element an action presses: what is seen goes before what waits in a closed menu; the last of several messages. */
export function targetOf(action) {
  const all = elementsFor(action);
  const seen = all.filter((element) => element.checkVisibility());
  return action === 'reply-all' || action === 'forward' ? seen.at(-1) ?? all.at(-1) : seen[0] ?? all[0];
}

/** Selected rows, or a row without its ticket open, are changed from the bar of the list. */
function pressBulk(action) {
  const button = bulk()?.querySelector(`[data-key-bulk="${CSS.escape(action)}"]`);
  if (!button) return false;
  if (bulk().hidden) {
    if (talk()?.dataset.number) return false;
    const check = here()?.querySelector('.row__check input');
    if (!check) return false;
    check.click();
  }
  reach(button);
  return true;
}

function reach(element) {
  const details = element.closest('details:not([open])');
  if (element.matches('input, textarea, select')) {
    if (details) details.open = true;
    element.focus();
  } else if (element.matches('button, a, summary, label')) element.click();
  else {
    if (details) details.open = true;
    element.querySelector('button, a, input:not([type="hidden"])')?.focus();
  }
}

/** Presses the element of the page that stands for an action; whether there is one. */
export function press(action) {
  if (pressBulk(action)) return true;
  const element = targetOf(action);
  if (!element) return false;
  if (!element.checkVisibility() && element.closest('.desk__main')) showZone('conversation');
  reach(element);
  return true;
}

/** Does what an action says; false when this page has nothing for it. */
export function run(action) {
  if (!own[action]) return press(action);
  own[action]();
  return true;
}

/** Whether an action has something to do here; the command bar offers only those. Asks nothing of the page's style. */
export const isPossible = (action) => {
  if (action === 'undo') return canUndoLast() || elementsFor(action).length > 0;
  if (action in own) return action !== 'command' && (!IN_COMPOSER.has(action) || document.getElementById('compose') !== null) && (!/^(copy|reply|note|attach|macro)/.test(action) || number() !== undefined);
  return elementsFor(action).length > 0;
};

let before = '';
let timer = 0;

function follow(event) {
  const key = pressed(event, (k) => means(before ? `${before} ${k}` : k));
  if (!key) return;
  const whole = before && means(`${before} ${key}`) ? `${before} ${key}` : key;
  const begun = before !== '';
  before = isBeginning(whole) ? whole : '';
  clearTimeout(timer);
  if (before) timer = setTimeout(() => { before = ''; }, FOLLOW_MS);
  const action = actionOf(whole);
  if (begun && whole === key && !action) return;
  if (!action) return;
  event.preventDefault();
  run(action);
}

document.addEventListener('keydown', (event) => {
  if (event.isComposing || event.defaultPrevented || event.key === 'Shift') return;
  if (isMod(event)) {
    const action = actionOf(pressed(event));
    if (!action || (IN_COMPOSER.has(action) && !event.target.closest?.('#compose'))) return;
    if (action !== 'command' && !action.endsWith('-offer') && document.querySelector('dialog[open]')) return;
    event.preventDefault();
    run(action);
    return;
  }
  if (event.key === 'Escape') {
    if (document.querySelector('dialog[open]')) return;
    if (closeMenus()) return;
    if (typing(event.target)) event.target.blur();
    else backToList();
    return;
  }
  if (typing(event.target) || document.querySelector('dialog[open]')) return;
  follow(event);
});
