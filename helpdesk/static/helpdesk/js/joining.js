// Dialogs that join and part tickets: opened when the server sends one, closed when it sends an empty one.
import { refreshTicket } from './timeline.js';

const dialog = () => document.getElementById('joining');
let opener = null;

document.addEventListener('desk:merged', ({ detail }) => {
  if (detail.placed.includes('joining')) {
    if (dialog().hasAttribute('data-open')) {
      opener = document.activeElement;
      dialog().showModal();
    } else opener?.isConnected && opener.focus();
  }
  if (detail.placed.includes('joining-alert')) document.getElementById('joining-alert').scrollIntoView({ block: 'nearest' });
  const number = document.getElementById('talk')?.dataset.number;
  if (detail.own && detail.placed.includes('talk') && number && location.pathname !== `/tickets/${number}/`) {
    history.pushState({ htmx: true }, '', `/tickets/${number}/${location.search}`);
  }
});

document.addEventListener('click', (event) => {
  if (event.target.closest('[data-do="joining-close"]')) dialog().close();
});

// Choosing where messages go by touching what belongs to it.
document.addEventListener('input', (event) => {
  const part = event.target.closest?.('#joining [data-for]');
  if (!part) return;
  const choice = document.querySelector(`#joining [name="to"][value="${part.dataset.for}"]`);
  if (choice) choice.checked = true;
});

document.addEventListener('ticket-changed', () => refreshTicket({ own: true }));
