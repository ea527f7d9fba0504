// The board's one dialog: opened when the server sends one, closed when it sends an empty one; the focus goes back to where
// it came from, also when that place was drawn anew meanwhile. Keys: m gives the chosen contact to somebody, arrows choose.
const dialog = () => document.getElementById('board-dialog');
let opener = '';

function rememberOpener(element) {
  const place = element?.closest?.('[id]');
  if (place && !dialog().contains(place)) opener = place.id;
}

function goBack() {
  const place = document.getElementById(opener) ?? document.querySelector('.waiting__who');
  opener = '';
  place?.focus({ preventScroll: true });
}

document.addEventListener('htmx:beforeRequest', ({ detail }) => {
  if (!dialog().open) rememberOpener(detail.elt);
});
document.addEventListener('desk:merged', ({ detail }) => {
  if (!detail.placed.includes('board-dialog')) return;
  if (!dialog().hasAttribute('data-open')) { goBack(); return; }
  dialog().showModal();
  dialog().addEventListener('close', goBack);
});
document.addEventListener('click', (event) => {
  if (event.target.closest('[data-do="dialog-close"]') || event.target === dialog()) dialog().close();
});

const typing = (element) => element.matches('input, textarea, select, [contenteditable]');

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || dialog().open) return;
  const item = event.target.closest('.waiting') ?? document.querySelector('.waiting:hover');
  if (event.key.toLowerCase() === 'm' && item) {
    event.preventDefault();
    item.querySelector('.waiting__who').click();
  }
});
document.addEventListener('keydown', (event) => {
  if (!['ArrowDown', 'ArrowUp'].includes(event.key) || typing(event.target)) return;
  const box = event.target.closest('.board__items, .states, #board-dialog[open]');
  if (!box) return;
  const choices = [...box.querySelectorAll('.waiting__who, .person, .give')];
  const at = choices.indexOf(document.activeElement);
  if (at < 0) return;
  event.preventDefault();
  choices[(at + (event.key === 'ArrowDown' ? 1 : choices.length - 1)) % choices.length].focus();
});
