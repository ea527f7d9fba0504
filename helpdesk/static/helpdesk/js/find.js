// The search box: offers tickets, customers and views while somebody types (an ARIA combobox with a list of links). Enter
// without a chosen line searches; Escape closes the list first. Without script the form alone does its work.
import { headers, say, signedOut } from './words.js';

const box = document.getElementById('find');
const list = document.getElementById('find-list');
const WAIT_MS = 120;
let timer = 0;
let asked = null;
let shown = '';

const options = () => [...list.querySelectorAll('[role="option"]')];

function close() {
  clearTimeout(timer);
  asked?.abort();
  list.hidden = true;
  shown = '';
  box.setAttribute('aria-expanded', 'false');
  box.removeAttribute('aria-activedescendant');
}

function choose(option) {
  for (const other of options()) other.setAttribute('aria-selected', String(other === option));
  if (!option) return box.removeAttribute('aria-activedescendant');
  box.setAttribute('aria-activedescendant', option.id);
  option.scrollIntoView({ block: 'nearest' });
}

function line(item, at) {
  const option = document.createElement('a');
  option.className = 'menu__item find__item';
  option.id = `find-option-${at}`;
  option.href = item.url;
  option.tabIndex = -1;
  option.setAttribute('role', 'option');
  option.setAttribute('aria-selected', 'false');
  // tickets and lists come as parts of this page; anything else is a page of its own
  const parts = /^\/(tickets|inbox)\//.test(item.url) ? [['hx-get', item.url], ['hx-push-url', 'true'], ['hx-swap', 'none']] : [];
  for (const [name, value] of parts) option.setAttribute(name, value);
  const title = document.createElement('div');
  title.className = 'truncate';
  title.dir = 'auto';
  title.textContent = item.title;
  option.append(title);
  if (item.detail) {
    const detail = document.createElement('div');
    detail.className = 'menu__sub truncate';
    detail.dir = 'auto';
    detail.textContent = item.detail;
    option.append(detail);
  }
  return option;
}

function show(text, groups) {
  const parts = [];
  let at = 0;
  for (const [number, group] of groups.entries()) {
    const part = document.createElement('div');
    const head = document.createElement('div');
    part.setAttribute('role', 'group');
    part.setAttribute('aria-labelledby', `find-group-${number}`);
    head.className = 'menu__head';
    head.id = `find-group-${number}`;
    head.textContent = group.title;
    part.append(head, ...group.items.map((item) => line(item, at++)));
    parts.push(part);
  }
  const count = at;
  parts.push(line({ title: list.dataset.all.replace('%s', text), url: `${list.dataset.search}?${new URLSearchParams({ q: text })}` }, at));
  list.replaceChildren(...parts);
  window.htmx?.process(list);
  list.hidden = false;
  shown = text;
  box.setAttribute('aria-expanded', 'true');
  choose(null);
  if (count) say(list.dataset.count.replace('%n', count));
}

async function ask() {
  const text = box.value.trim();
  if (!text || document.activeElement !== box) return close();
  if (text === shown) return undefined;
  asked?.abort();
  asked = new AbortController();
  try {
    const answer = await fetch(`${list.dataset.address}?${new URLSearchParams({ q: text })}`, { headers: headers(), signal: asked.signal });
    if (signedOut(answer.url) || !answer.ok) return undefined;
    const { groups } = await answer.json();
    if (box.value.trim() === text && document.activeElement === box) show(text, groups);
  } catch {
    // a newer question took its place, or the line is down: the form still works
  }
  return undefined;
}

box?.addEventListener('input', () => {
  clearTimeout(timer);
  if (!box.value.trim()) close();
  else timer = setTimeout(ask, WAIT_MS);
});

box?.addEventListener('keydown', (event) => {
  if (event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return;
  const all = list.hidden ? [] : options();
  const at = all.findIndex((option) => option.getAttribute('aria-selected') === 'true');
  if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    event.preventDefault();
    if (!all.length) ask();
    else if (event.key === 'ArrowDown') choose(all[(at + 1) % all.length]);
    else choose(all[at > 0 ? at - 1 : all.length - 1]);
  } else if (event.key === 'Enter' && at >= 0) {
    event.preventDefault();
    all[at].click();
  } else if (event.key === 'Escape' && !list.hidden) {
    event.preventDefault();
    close();
  } else if (event.key === 'Tab') {
    close();
  }
});

// a press on a line must not take the focus from the box before the click arrives
list?.addEventListener('mousedown', (event) => event.preventDefault());
list?.addEventListener('click', (event) => { if (event.target.closest('[role="option"]')) setTimeout(close); });
box?.addEventListener('blur', () => setTimeout(() => { if (document.activeElement !== box) close(); }));
document.getElementById('find-form')?.addEventListener('submit', close);
