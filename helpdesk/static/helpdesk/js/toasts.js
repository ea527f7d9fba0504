// Toasts: one at a time says what happened; they wait while the pointer or the focus is on them.
const corner = () => document.getElementById('toasts');
let gone = null; // the last toast that could take a change back, after it left the corner

function plain(text, level) {
  const toast = document.createElement('div');
  toast.className = 'toast';
  toast.dataset.level = level;
  toast.dataset.seconds = '8';
  toast.dataset.plain = '1';
  if (level === 'error') toast.setAttribute('role', 'alert');
  const said = document.createElement('span');
  said.className = 'toast__text';
  said.textContent = text;
  toast.append(said);
  return toast;
}

/** Shows a sentence or a ready-made toast. */
export function showToast(what, level = 'info') {
  const toast = typeof what === 'string' ? plain(what, level) : what;
  corner()?.replaceChildren(toast);
  if (window.htmx) htmx.process(toast);
  run(toast);
}

/** Whether a change can be taken back although its toast is gone; the server says for how long. */
export const canUndoLast = () => gone !== null;

/** Takes it back. False when there is none. */
export function undoLast() {
  const toast = gone;
  if (!toast) return false;
  showToast(toast);
  toast.querySelector('[data-key="undo"]').click();
  return true;
}

function run(toast) {
  const button = toast.querySelector('[data-key="undo"]');
  if (!toast.dataset.plain) gone = button && !button.closest('form[action^="/messages/"]') ? toast : null; // a reply leaves with its seconds
  let left = Number(toast.dataset.seconds || 8);
  const counter = toast.querySelector('[data-count]');
  const tick = () => {
    if (!toast.isConnected) return;
    if (toast.matches(':hover') || (toast.contains(document.activeElement) && !counter)) {
      setTimeout(tick, 1000);
      return;
    }
    if (counter) counter.textContent = String(left);
    if (left <= 0) toast.remove();
    left -= 1;
    setTimeout(tick, 1000);
  };
  tick();
}

document.addEventListener('click', (event) => {
  if (event.target.closest('.toast [data-key="undo"]')) gone = null;
  if (event.target.closest('[data-do="toast-close"]')) event.target.closest('.toast').remove();
});
for (const toast of document.querySelectorAll('.toast')) run(toast);
