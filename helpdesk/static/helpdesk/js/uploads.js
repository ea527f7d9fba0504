// Files into a draft: chosen, dropped on the conversation, or pasted. A picture pasted into a reply stands where it was pasted.
import { area, form, insertAt, rewrite } from './composer_box.js';
import { elementsOf } from './fragments.js';
import { showToast } from './toasts.js';
import { headers, words } from './words.js';

const PICTURE = /^image\/(png|jpeg|gif|webp)$/;

/** Keeps files beside the draft; resolves with their names as the server keeps them. */
async function upload(files) {
  const composer = form();
  if (!composer || !files.length) return [];
  const most = Number(composer.dataset.max);
  const data = new FormData();
  for (const file of files) {
    if (file.size > most) showToast(words('tooLarge', file.name), 'error');
    else data.append('files', file, file.name || 'picture.png');
  }
  if (!data.has('files')) return [];
  const wait = document.createElement('span');
  wait.className = 'file file--busy';
  wait.setAttribute('role', 'status');
  wait.textContent = words('uploading', [...files].map((file) => file.name).join(', '));
  document.getElementById('uploads').append(wait);
  try {
    const answer = await fetch(composer.dataset.upload, { method: 'POST', body: data, headers: headers() });
    const fresh = elementsOf(await answer.text());
    if (answer.ok) {
      wait.replaceWith(...fresh);
      return fresh.map((chip) => chip.querySelector?.('.truncate')?.textContent).filter(Boolean);
    } else {
      const toast = fresh.find((element) => element.classList.contains('toast'));
      showToast(toast ?? words('failed'), 'error');
    }
  } catch { showToast(words('failed'), 'error'); } finally { wait.remove(); }
  return [];
}

// --- pasted pictures: into the reply where the cursor is. The text says [name]; the mail shows the picture there.
const placeOf = (name) => `[${name}]`;

/** Pasted pictures all have one name; here each gets its own. */
function renamed(files) {
  const taken = new Set([...document.querySelectorAll('#uploads .truncate')].map((name) => name.textContent));
  let n = 0;
  return files.map((file) => {
    if (!PICTURE.test(file.type)) return file;
    const ending = file.type.slice(6).replace('jpeg', 'jpg');
    do n += 1; while (taken.has(`picture-${n}.${ending}`));
    return new File([file], `picture-${n}.${ending}`, { type: file.type });
  });
}

async function paste(text, files) {
  const places = form().dataset.mode === 'reply';
  const at = text.selectionStart;
  const names = await upload(renamed(files));
  const pictures = names.filter((name) => /\.(png|jpg|gif|webp)$/.test(name));
  if (!places || !pictures.length || text !== area()) return;
  const spot = Math.min(at, text.value.length);
  insertAt(text, pictures.map(placeOf).join('\n'), spot, spot);
}

document.addEventListener('change', (event) => {
  if (event.target.id !== 'attach') return;
  upload([...event.target.files]);
  event.target.value = '';
});
document.addEventListener('click', async (event) => {
  const button = event.target.closest('[data-do="file-remove"]');
  if (!button) return;
  const chip = button.closest('.file');
  chip.hidden = true;
  const answer = await fetch(button.dataset.url, { method: 'POST', headers: headers() }).catch(() => null);
  if (!answer?.ok) { chip.hidden = false; return; }
  chip.remove();
  const place = placeOf(chip.querySelector('.truncate').textContent);
  const text = area();
  if (text?.value.includes(place)) rewrite(text, text.value.replace(place, ''));
});

const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes('Files');
document.addEventListener('dragover', (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  form()?.toggleAttribute('data-over', event.target.closest('#talk') !== null);
});
document.addEventListener('dragleave', (event) => { if (!event.relatedTarget) form()?.removeAttribute('data-over'); });
document.addEventListener('drop', (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  form()?.removeAttribute('data-over');
  if (event.target.closest('#talk')) upload([...event.dataTransfer.files]);
});
document.addEventListener('paste', (event) => {
  if (!event.target.closest?.('#compose')) return;
  const files = [...(event.clipboardData?.files ?? [])];
  if (!files.length) return;
  event.preventDefault();
  if (event.target.matches('.composer__text')) paste(event.target, files);
  else upload(files);
});
