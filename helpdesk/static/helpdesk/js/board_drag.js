// A waiting contact dragged to a person or a queue. Nothing is drawn anew under the hand; the server says whether it may be.
let dragged = null;

const targetOf = (event) => (dragged ? event.target.closest?.('[data-drop-agent], [data-drop-queue]') : null);

function mark(target) {
  for (const other of document.querySelectorAll('[data-over]')) if (other !== target) other.removeAttribute('data-over');
  target?.setAttribute('data-over', '');
}

document.addEventListener('dragstart', (event) => {
  const item = event.target.closest?.('.waiting');
  if (!item) return;
  dragged = item;
  item.setAttribute('data-drag', '');
  event.dataTransfer.effectAllowed = 'move';
  event.dataTransfer.setData('text/plain', item.querySelector('.waiting__who').textContent);
});
document.addEventListener('dragover', (event) => {
  const target = targetOf(event);
  mark(target);
  if (!target) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = 'move';
});
document.addEventListener('drop', (event) => {
  const target = targetOf(event);
  if (!target) return;
  event.preventDefault();
  const { dropAgent, dropQueue } = target.dataset;
  const values = dropAgent ? { agent: dropAgent } : { queue: dropQueue };
  const from = dragged;
  finish();
  htmx.ajax('POST', from.dataset.give, { source: from.querySelector('.waiting__who'), swap: 'none', values });
});
function finish() {
  mark(null);
  dragged?.removeAttribute('data-drag');
  dragged = null;
}
document.addEventListener('dragend', () => {
  finish();
  document.dispatchEvent(new CustomEvent('board:stale'));
});
