// The customers' pages. All of it works without this file; it brings news by itself, takes dropped and pasted files, and
// asks before words are lost.

// --- news: on focus and every 30 s, with the tag of what is shown, so that mostly nothing travels ---------------------
const said = document.getElementById('said');
const EVERY_MS = 30_000;
let asking = false;
let last = Date.now();

async function look() {
  if (!said || asking || document.visibilityState === 'hidden') return;
  asking = true;
  last = Date.now();
  try {
    const answer = await fetch(said.dataset.url, { headers: { 'If-None-Match': said.dataset.tag, Accept: 'text/html' }, redirect: 'error' });
    if (answer.status === 200 && answer.headers.get('ETag')) {
      said.dataset.tag = answer.headers.get('ETag');
      place(await answer.text());
    }
    await lookAtWait();
  } catch { /* away for a moment, or signed out: the next page says so */ } finally { asking = false; }
}

/** Place and wait change with the clock; a form somebody is filling in is left alone. */
async function lookAtWait() {
  const box = document.getElementById('wait');
  if (!box || !box.childElementCount || box.contains(document.activeElement)) return;
  const answer = await fetch(box.dataset.url, { headers: { Accept: 'text/html' }, redirect: 'error' });
  if (answer.status !== 200) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById('wait');
  if (!fresh || box.contains(document.activeElement)) return;
  const typed = box.querySelector('#phone')?.value;
  box.replaceWith(document.adoptNode(fresh));
  const field = fresh.querySelector('#phone');
  if (field && typed) field.value = typed;
}

/** Puts what is new or different in its place; what is the same stays, with frames loaded, selection and focus. */
function place(html) {
  const fresh = new DOMParser().parseFromString(html, 'text/html').getElementById('said-now');
  const shown = document.getElementById('said-now');
  if (!fresh || !shown) return;
  const moved = fresh.dataset.state !== shown.dataset.state;
  shown.dataset.state = fresh.dataset.state;
  shown.querySelector('#portal-status').replaceWith(document.adoptNode(fresh.querySelector('#portal-status')));
  const list = shown.querySelector('#messages');
  const known = new Map([...list.children].map((item) => [item.id, item]));
  let news = moved;
  const items = [...fresh.querySelector('#messages').children].map((item) => {
    const old = known.get(item.id);
    if (old && old.textContent === item.textContent) return old;
    news ||= !old;
    return document.adoptNode(item);
  });
  const wanted = new Set(items);
  for (const item of [...list.children]) if (!wanted.has(item)) item.remove();
  items.forEach((item, at) => { if (list.children[at] !== item) list.insertBefore(item, list.children[at] ?? null); });
  if (!news) return;
  const box = document.getElementById('news');
  box.textContent = '';
  box.textContent = box.dataset.words;
  for (const id of ['close', 'reopen']) { // what no longer fits the status is not offered
    const fits = id === 'close' ? !['resolved', 'closed'].includes(shown.dataset.state) : shown.dataset.state === 'resolved';
    for (const button of document.querySelectorAll(`[form="${id}"]`)) button.hidden = !fits;
  }
}

if (said) {
  setInterval(look, EVERY_MS);
  addEventListener('focus', () => { if (Date.now() - last > 1000) look(); });
  document.addEventListener('visibilitychange', look);
}

// --- files: chosen, dropped or pasted, all in the one input that the form sends ----------------------------------------
const field = document.getElementById('files');
const form = document.getElementById('write');
const list = document.getElementById('files-list');
const error = document.getElementById('files-error');
let kept = [];

function show() {
  const bag = new DataTransfer();
  for (const file of kept) bag.items.add(file);
  field.files = bag.files;
  list.replaceChildren(...kept.map((file, at) => {
    const item = document.createElement('li');
    const chip = document.createElement('span');
    chip.className = 'file';
    const name = document.createElement('span');
    name.className = 'truncate';
    name.dir = 'auto';
    name.textContent = file.name;
    const drop = document.createElement('button');
    drop.type = 'button';
    drop.className = 'portal-drop';
    drop.setAttribute('aria-label', field.dataset.remove.replace('{name}', file.name));
    drop.textContent = '×';
    drop.addEventListener('click', () => { kept.splice(at, 1); show(); field.focus(); });
    chip.append(name, drop);
    item.append(chip);
    return item;
  }));
  list.hidden = !kept.length;
}

function take(files) {
  const most = Number(field.dataset.bytes);
  const refused = [];
  for (const file of files) {
    if (file.size > most) refused.push(field.dataset.tooLarge.replace('{name}', file.name));
    else if (kept.length >= Number(field.dataset.count)) { refused.push(field.dataset.tooMany); break; } else kept.push(file);
  }
  error.textContent = refused.join(' ');
  error.hidden = !refused.length;
  show();
}

if (field && form) {
  field.addEventListener('change', () => { const chosen = [...field.files]; take(chosen); });
  const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes('Files');
  document.addEventListener('dragover', (event) => { if (carries(event)) { event.preventDefault(); form.toggleAttribute('data-over', true); } });
  document.addEventListener('dragleave', (event) => { if (!event.relatedTarget) form.toggleAttribute('data-over', false); });
  document.addEventListener('drop', (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    form.toggleAttribute('data-over', false);
    take([...event.dataTransfer.files]);
  });
  form.addEventListener('paste', (event) => {
    const files = [...(event.clipboardData?.files ?? [])].map((file) => (file.name ? file : new File([file], 'picture.png', { type: file.type })));
    if (files.length) { event.preventDefault(); take(files); }
  });
  let sending = false;
  form.addEventListener('submit', (event) => {
    if (sending) { event.preventDefault(); return; }
    sending = true;
    form.querySelector('.btn--primary').setAttribute('aria-busy', 'true');
  });
  addEventListener('pageshow', () => { sending = false; form.querySelector('.btn--primary').removeAttribute('aria-busy'); });
  addEventListener('beforeunload', (event) => {
    const text = document.getElementById('text');
    if (!sending && (kept.length || (text && text.value !== text.defaultValue && text.value.trim()))) event.preventDefault();
  });
  document.querySelectorAll('form:not(#write)').forEach((other) => other.addEventListener('submit', () => { sending = true; }));
}
document.getElementById('problem')?.focus();

// --- the reader's zone, for the times on the next page, where we know no other ------------------------------------------
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.split('; ').includes(`portal_zone=${zone}`)) {
  document.cookie = `portal_zone=${zone}; path=/portal/; max-age=31536000; SameSite=Lax${location.protocol === 'https:' ? '; Secure' : ''}`;
}
// A way of words said once in the address is not said again by "reload".
if (location.search.includes('done=')) history.replaceState(null, '', location.pathname + location.hash);
