// Menus and popovers are <details class="pick">: they work without script. Here they close again, and take arrow keys.
const open = () => document.querySelectorAll('details.pick[open]');

/** Closes all open menus; returns whether there was one. */
export function closeMenus(except = null) {
  let closed = false;
  for (const details of open()) {
    if (details === except || details.contains(except)) continue;
    const inside = details.contains(document.activeElement);
    details.open = false;
    if (inside) details.querySelector('summary').focus();
    closed = true;
  }
  return closed;
}

document.addEventListener('click', (event) => {
  const inside = event.target.closest('details.pick');
  closeMenus(inside);
  if (event.target.closest('.menu__item') && inside && !event.target.closest('summary')) setTimeout(() => { inside.open = false; });
});

document.addEventListener('toggle', (event) => {
  const details = event.target;
  if (!(details instanceof HTMLDetailsElement) || !details.classList.contains('pick') || !details.open) return;
  closeMenus(details);
  place(details);
  const inside = document.activeElement?.closest('.menu, .popover');
  if (inside && details.contains(inside)) return; // a key went to a place of its own in it
  details.querySelector('.menu__item, .popover input:not([type="hidden"])')?.focus({ preventScroll: true });
}, true);

// Keeps a menu inside the window: it opens at the start edge of its button and moves back when it would leave the screen.
function place(details) {
  const box = details.querySelector('.menu, .popover');
  if (!box) return;
  box.style.translate = '';
  const edge = box.getBoundingClientRect();
  const room = document.documentElement.clientWidth;
  if (edge.right > room - 8) box.style.translate = `${room - 8 - edge.right}px 0`;
  else if (edge.left < 8) box.style.translate = `${8 - edge.left}px 0`;
}

document.addEventListener('keydown', (event) => {
  const details = event.target.closest?.('details.pick[open]');
  if (!details || !['ArrowDown', 'ArrowUp'].includes(event.key)) return;
  const items = [...details.querySelectorAll('.menu__item')];
  if (!items.length || event.target.matches('input, select, textarea')) return;
  event.preventDefault();
  const at = items.indexOf(document.activeElement);
  items[(at + (event.key === 'ArrowDown' ? 1 : items.length - 1)) % items.length].focus();
});
