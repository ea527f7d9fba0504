// The command bar (Mod+K): one field over tickets, customers, views, the macros of the open ticket and all that keys do here.
// What this page knows is shown at once; what the server finds is added below it when it comes.
import { headers, say, words } from './words.js';
import { caps, everyAction, keyOf } from './keys-table.js';
import { isPossible, run } from './keys.js';
import { elementsOf } from './fragments.js';

const ASK_AFTER_MS = 90;
const ACTIONS_AT_MOST = 8;
const dialog = document.getElementById('command');
const field = dialog?.querySelector('.command__input');
const list = dialog?.querySelector('.command__list');
let at = 0;
let timer = 0;
let asked = 0;
let recent = null;
let macros = [];
let macrosOf = '';
let shown = [];
let possible = null;  // the actions of this opening: they are gathered once, not at each letter

// folds case, Latin accents and Arabic and Persian letter variants, as the server's search does
const fold = (text) => text.normalize('NFKD').replace(/[\p{M}\u0640\u200c]/gu, '').replace(/[يى]/g, 'ی').replace(/ك/g, 'ک').toLowerCase();
function matches(text, query) {
  const parts = fold(query).split(/\s+/).filter(Boolean);
  if (!parts.length) return true;
  const folded = fold(text);
  return parts.every((part) => folded.includes(part));
}

/** Actions of the table that are possible here, then every further element of the page with a data-key. */
function everyPossible() {
  const known = everyAction();
  const names = new Set(known.map(({ name }) => name));
  const items = known.filter(({ name }) => !name.startsWith('macro-') && isPossible(name))
    .map(({ name, words: title }) => ({ title, key: keyOf(name), icon: 'bolt', act: () => run(name) }));
  for (const element of document.querySelectorAll('[data-key]')) {
    const name = element.dataset.key;
    if (names.has(name) || element.closest('[hidden]')) continue;
    names.add(name);
    const title = (element.dataset.keyWords ?? element.getAttribute('aria-label') ?? (element.textContent.trim() || element.title)).replace(/\s+/g, ' ');
    items.push({ title, key: keyOf(name), icon: 'bolt', act: () => run(name) });
  }
  for (const link of document.querySelectorAll('#me a.menu__item')) items.push({ title: link.textContent.trim(), icon: 'sliders', url: link.href });
  return items;
}

function actions(query) {
  possible ??= everyPossible();
  return possible.filter(({ title }) => matches(title, query)).slice(0, query ? ACTIONS_AT_MOST : 5);
}

function views(query) {
  return [...document.querySelectorAll('#nav-body .nav__link')].filter((link) => matches(link.title || link.textContent, query))
    .map((link) => ({ title: link.title || link.textContent.trim(), icon: 'list', act: () => link.click() })).slice(0, 6);
}

function rowsHere(query) {
  return [...document.querySelectorAll('#rows .row')].filter((row) => matches(`#${row.dataset.number} ${row.textContent}`, query)).slice(0, 5)
    .map((row) => ({ title: row.querySelector('.row__link').textContent.trim(), detail: `#${row.dataset.number} · ${row.querySelector('.row__who')?.textContent.trim() ?? ''}`, icon: 'ticket', url: row.querySelector('.row__link').href }));
}

function local(query) {
  const groups = [];
  if (!query) groups.push({ title: dialog.dataset.recent, items: recent?.length ? recent : rowsHere('') });
  else groups.push({ title: dialog.dataset.views, items: views(query) });
  groups.push({ title: dialog.dataset.actions, items: actions(query) });
  groups.push({ title: dialog.dataset.macros, items: macros.filter(({ title }) => matches(title, query)).slice(0, query ? 6 : 3) });
  if (!query) groups.push({ title: dialog.dataset.views, items: views('') });
  return groups;
}

function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `${dialog.dataset.icons}#${name}`);
  svg.append(use);
  return svg;
}

function option(item, index) {
  const row = document.createElement('div');
  row.className = 'menu__item';
  row.id = `command-${index}`;
  row.setAttribute('role', 'option');
  row.dataset.index = String(index);
  const main = document.createElement('span');
  main.className = 'grow';
  const title = document.createElement('span');
  title.dir = 'auto';
  title.className = 'truncate command__title';
  title.textContent = item.title;
  main.append(title);
  if (item.detail) {
    const sub = document.createElement('span');
    sub.className = 'menu__sub truncate';
    sub.dir = 'auto';
    sub.textContent = item.detail;
    main.append(sub);
  }
  row.append(icon(item.icon ?? 'ticket'), main);
  if (item.key) {
    const keys = document.createElement('span');
    keys.className = 'menu__keys';
    keys.append(...caps(item.key));
    row.append(keys);
  }
  return row;
}

function draw(groups, { keep = false } = {}) {
  const before = keep ? at : 0;
  shown = [];
  const parts = groups.filter(({ items }) => items.length).map(({ title, items }, number) => {
    const box = document.createElement('div');
    box.setAttribute('role', 'group');
    box.setAttribute('aria-labelledby', `command-g${number}`);
    const head = document.createElement('p');
    head.className = 'menu__head';
    head.id = `command-g${number}`;
    head.textContent = title;
    box.append(head, ...items.map((item) => option(item, shown.push(item) - 1)));
    return box;
  });
  list.replaceChildren(...parts);
  dialog.querySelector('.command__empty').hidden = shown.length > 0;
  choose(Math.min(before, Math.max(shown.length - 1, 0)));
}

function choose(index) {
  at = index;
  for (const row of list.querySelectorAll('[role="option"]')) {
    const here = Number(row.dataset.index) === at;
    row.setAttribute('aria-selected', String(here));
    if (here) row.scrollIntoView({ block: 'nearest' });
  }
  if (shown.length) field.setAttribute('aria-activedescendant', `command-${at}`);
  else field.removeAttribute('aria-activedescendant');
}

const fromServer = (group) => ({ title: group.title, items: group.items.map((item) => ({ ...item, icon: iconOf(item.url) })) });

function iconOf(address = '') {
  return { customers: 'person', inbox: 'list' }[address.split('/')[1]] ?? 'ticket';
}

async function json(url) {
  const answer = await fetch(url, { headers: { ...headers(), Accept: 'application/json' } });
  return answer.ok ? (await answer.json()).groups.map(fromServer) : [];
}

async function ask() {
  const query = field.value.trim();
  const mine = ++asked;
  if (!query) return;
  try {
    const groups = await json(`${dialog.dataset.find}?q=${encodeURIComponent(query)}`);
    if (mine !== asked || !dialog.open) return;
    const [ownViews, ...rest] = local(query);
    const known = new Set(ownViews.items.map(({ title }) => title));
    for (const group of groups) if (group.title === ownViews.title) group.items = group.items.filter(({ title }) => !known.has(title));
    // what was chosen already stays where it is: the server's groups follow those of the page only while nothing was moved
    draw(at === 0 ? [...groups, ownViews, ...rest] : [ownViews, ...rest, ...groups], { keep: at > 0 });
    say(words('choices', shown.length));
  } catch { /* what the page knows stays */ }
}

async function fetchRecent() {
  try { recent = (await json(dialog.dataset.recentUrl)).flatMap(({ items }) => items); } catch { return; }
  if (dialog.open && !field.value.trim() && at === 0) draw(local(''));
}

async function fetchMacros() {
  const composer = document.getElementById('compose');
  const address = composer?.dataset.macros ?? '';
  if (address === macrosOf) return;
  macrosOf = address;
  macros = [];
  if (!address) return;
  try {
    const answer = await fetch(address, { headers: headers() });
    const found = answer.ok ? elementsOf(await answer.text()).flatMap((element) => [...element.querySelectorAll('[data-macro]')]) : [];
    macros = found.map((button) => {
      const title = button.querySelector('[dir]')?.textContent.trim() ?? button.textContent.trim();
      const url = button.getAttribute('hx-get');
      return { title, icon: 'bolt', key: button.dataset.macro ? keyOf(`macro-${button.dataset.macro}`) : '', act: () => htmx.ajax('GET', url, { source: composer, swap: 'none' }) };
    });
  } catch { macrosOf = ''; return; }
  if (dialog.open && at === 0) draw(local(field.value.trim()), { keep: true });
}

function open() {
  if (dialog.open) { dialog.close(); return; }
  if (document.querySelector('dialog[open]')) return;
  field.value = '';
  possible = null;
  draw(local(''));  // before it is shown: what is asked of the page's layout here costs nothing then
  dialog.showModal();
  // behind the frame that shows the bar
  requestAnimationFrame(() => setTimeout(() => { fetchRecent(); fetchMacros(); }));
}

function take(index) {
  const item = shown[index];
  if (!item) return;
  dialog.close();
  if (item.act) { item.act(); return; }
  const row = [...document.querySelectorAll('a[href]')].find((link) => link.href === new URL(item.url, location.href).href && link.hasAttribute('hx-get'));
  if (row) row.click();
  else if (/^\/(tickets|inbox)\//.test(new URL(item.url, location.href).pathname) && new URL(item.url, location.href).origin === location.origin) follow(item.url);
  else location.assign(item.url);
}

/** Goes to an address of the desk without loading the page anew. */
function follow(url) {
  const link = document.createElement('a');
  link.href = url;
  link.setAttribute('hx-get', url);
  link.setAttribute('hx-push-url', 'true');
  link.setAttribute('hx-swap', 'none');
  link.hidden = true;
  document.body.append(link);
  htmx.process(link);
  link.click();
  setTimeout(() => link.remove(), 10000);
}

if (dialog) {
  document.addEventListener('desk:command', open);
  document.addEventListener('click', (event) => { if (event.target.closest('[data-do="command"]')) open(); });
  field.addEventListener('input', () => {
    draw(local(field.value.trim()));
    asked += 1;
    clearTimeout(timer);
    timer = setTimeout(ask, ASK_AFTER_MS);
  });
  field.addEventListener('keydown', (event) => {
    if (event.isComposing) return;
    if (event.key === 'ArrowDown') choose((at + 1) % Math.max(shown.length, 1));
    else if (event.key === 'ArrowUp') choose((at + shown.length - 1) % Math.max(shown.length, 1));
    else if (event.key === 'Enter') take(at);
    else return;
    event.preventDefault();
  });
  list.addEventListener('click', (event) => {
    const row = event.target.closest('[role="option"]');
    if (row) take(Number(row.dataset.index));
  });
  list.addEventListener('pointermove', (event) => {
    const row = event.target.closest('[role="option"]');
    if (row && Number(row.dataset.index) !== at) choose(Number(row.dataset.index));
  });
  dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
}
