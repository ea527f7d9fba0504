// Recipients as chips: taken from the message answered, added by typing, removed by their cross. Who is left out is said.
import { area, form } from './composer_box.js';
import { touch } from './composer_draft.js';
import { fill } from './fragments.js';
import { headers, words } from './words.js';

/** Says so when the customer is among none of the recipients. */
export function checkCustomer() {
  const line = document.getElementById('to-warn');
  if (!line) return;
  const theirs = line.dataset.theirs.split(' ').filter(Boolean);
  const chosen = [...document.querySelectorAll('#recipients .to .ltr')].map((chip) => chip.textContent.trim().toLowerCase());
  line.hidden = !theirs.length || theirs.some((address) => chosen.includes(address));
}

/** The chips for an answer to one message. */
export async function answer(url) {
  document.dispatchEvent(new CustomEvent('composer:mode', { detail: 'reply' }));
  if (form()?.dataset.mode !== 'reply') return;
  const reply = await fetch(url, { headers: headers() });
  if (!reply.ok) return;
  fill(document.getElementById('recipients'), await reply.text());
  checkCustomer();
  document.getElementById('foot').scrollIntoView({ block: 'nearest' });
  area().focus();
}

/** Makes a chip of the address being typed; false when it is none. */
export function addTyped() {
  const field = document.getElementById('to-new');
  const error = document.getElementById('to-error');
  if (!field || !field.value.trim()) { if (error) error.textContent = ''; return true; }
  if (!field.checkValidity()) {
    error.textContent = words('badAddress');
    field.setAttribute('aria-invalid', 'true');
    field.focus();
    return false;
  }
  const kind = document.getElementById('to-kind');
  const chip = document.getElementById('chip-template').content.firstElementChild.cloneNode(true);
  chip.dataset.kind = kind.value;
  chip.querySelector('.to__kind').textContent = kind.selectedOptions[0].textContent;
  chip.querySelector('.ltr').textContent = field.value.trim();
  chip.querySelector('input').name = kind.value;
  chip.querySelector('input').value = field.value.trim();
  chip.querySelector('.visually-hidden').textContent = words('remove', field.value.trim());
  field.closest('.to-add').before(chip);
  field.value = '';
  field.removeAttribute('aria-invalid');
  error.textContent = '';
  checkCustomer();
  touch();
  return true;
}

document.addEventListener('keydown', (event) => {
  if (event.target.id === 'to-new' && ['Enter', ',', ';', '،', '؛', '，', '；'].includes(event.key)) {
    event.preventDefault();
    addTyped();
  }
});
document.addEventListener('focusout', (event) => { if (event.target.id === 'to-new' && event.target.checkValidity()) addTyped(); });
document.addEventListener('click', (event) => {
  const button = event.target.closest('[data-do]');
  if (button?.dataset.do === 'chip-remove') { button.closest('.chip').remove(); checkCustomer(); touch(); }
});
document.addEventListener('desk:merged', checkCustomer);
checkCustomer();
