// The filter builder: fetched when it is opened; while conditions change its button says how many tickets they leave.
import { elementsOf } from './fragments.js';
import { headers, signedOut } from './words.js';

const form = () => document.getElementById('filter-form');
let timer = 0;
let asked = 0;

async function load(details) {
  const box = details.querySelector('#filter-box');
  if (box?.getAttribute('aria-busy') !== 'true') return;
  try {
    const answer = await fetch(details.dataset.address, { headers: headers() });
    if (!answer.ok || signedOut(answer.url)) return;
    box.replaceChildren(...elementsOf(await answer.text()));
    box.removeAttribute('aria-busy');
    htmx.process(box);
    if (details.open) box.querySelector('input')?.focus({ preventScroll: true });
    count();
  } catch { /* opened again it is fetched again */ }
}

function filled() {
  const values = new URLSearchParams();
  for (const [name, value] of new FormData(form())) if (value && !['name', 'shared', 'do'].includes(name)) values.append(name, value);
  return values;
}

async function count() {
  const box = form();
  if (!box) return;
  asked += 1;
  const mine = asked;
  try {
    const answer = await fetch(`${box.dataset.count}?${filled()}`, { headers: headers() });
    if (!answer.ok || signedOut(answer.url)) return;
    const { words, problems } = await answer.json();
    if (mine !== asked || box !== form()) return;
    document.getElementById('filter-go').textContent = words;
    const problem = document.getElementById('filter-problem');
    problem.textContent = problems.join(' ');
    problem.hidden = problems.length === 0;
  } catch { /* the button goes on without a number */ }
}

function countSoon() {
  clearTimeout(timer);
  timer = setTimeout(count, 250);
}

document.addEventListener('toggle', (event) => {
  if (event.target.id === 'pick-filter' && event.target.open) load(event.target);
}, true);
for (const kind of ['input', 'change', 'reset']) {
  document.addEventListener(kind, (event) => { if (event.target.closest?.('#filter-form')) countSoon(); });
}
// An address says only what was chosen.
document.addEventListener('htmx:configRequest', ({ detail }) => {
  if (detail.elt.id !== 'filter-form') return;
  const kept = filled();
  for (const name of [...new Set(detail.formData.keys())]) detail.formData.delete(name);
  for (const [name, value] of kept) detail.formData.append(name, value);
});
