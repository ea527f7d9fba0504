// "My desk": a field takes the key that is pressed in it. Without this script one writes it out.
import { pressed } from './keys-press.js';

const said = document.getElementById('key-said');
const fields = [...document.querySelectorAll('.keyset__key')];
const nameOf = (field) => field.labels[0].textContent;
let timer = 0;

function tell(key, template, field) {
  said.textContent = template.replace('%k', key).replace('%a', nameOf(field));
}

for (const field of fields) {
  field.addEventListener('keydown', (event) => {
    if (['Tab', 'Shift', 'Control', 'Meta', 'Alt', 'AltGraph', 'Escape'].includes(event.key)) return;
    if (event.key === 'Enter' && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    if (event.key === 'Backspace' || event.key === 'Delete') {
      field.value = '';
      tell('', said.dataset.none, field);
      return;
    }
    const key = pressed(event);
    if (!key) return;
    // one after the other within a second is one key, as "g i"
    const follows = timer && !key.startsWith('Mod+') && !field.value.startsWith('Mod+') && field.value.split(' ').length < 3;
    field.value = follows ? `${field.value} ${key}` : key;
    clearTimeout(timer);
    timer = setTimeout(() => { timer = 0; }, 1000);
    const other = fields.find((one) => one !== field && one.value === field.value);
    field.setAttribute('aria-invalid', String(Boolean(other)));
    tell(field.value, other ? said.dataset.clash : said.dataset.taken, other ?? field);
  });
  field.addEventListener('blur', () => { clearTimeout(timer); timer = 0; });
}
