// Files into a draft: chosen, dropped on the conversation, or pasted.
import { elementsOf } from './fragments.js';
import { showToast } from './toasts.js';
import { headers, words } from './words.js';

const form = () => document.getElementById('compose');

async function upload(files) {
  const composer = form();
  if (!composer || !files.length) return;
  const most = Number(composer.dataset.max);
  const data = new FormData();
  for (const file of files) {
    if (file.size > most) showToast(words('tooLarge', file.name), 'error');
    else data.append('files', file, file.name || 'picture.png');
  }
  if (!data.has('files')) return;
  const wait = document.createElement('span');
  wait.className = 'file file--busy';
  wait.setAttribute('role', 'status');
  wait.textContent = words('uploading', [...files].map((file) => file.name).join(', '));
  document.getElementById('uploads').append(wait);
  try {
    const answer = await fetch(composer.dataset.upload, { method: 'POST', body: data, headers: headers() });
    const fresh = elementsOf(await answer.text());
    if (answer.ok) wait.replaceWith(...fresh);
    else {
      const toast = fresh.find((element) => element.classList.contains('toast'));
      showToast(toast ?? words('failed'), 'error');
    }
  } catch { showToast(words('failed'), 'error'); } finally { wait.remove(); }
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
  if (answer?.ok) chip.remove();
  else chip.hidden = false;
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
  if (files.length) { event.preventDefault(); upload(files); }
});
