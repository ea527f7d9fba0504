// Toasts: one at a time says what happened; they wait while the pointer or the focus is on them.
const corner = () => document.getElementById('toasts');

function plain(text, level) {
  const toast = document.createElement('div');
  toast.className = 'toast';
  toast.dataset.level = level;
  toast.dataset.seconds = '8';
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

function run(toast) {
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
  if (event.target.closest('[data-do="toast-close"]')) event.target.closest('.toast').remove();
});
for (const toast of document.querySelectorAll('.toast')) run(toast);
