// What the desk's lists and its open ticket do with doorbells. The heartbeat carries the head of the open ticket, and the server
// rings again for what it finds lost, so the page is right within five seconds.
import { on, ping, send } from './line.js';
import { refreshList, refreshListSoon } from './list.js';
import { refreshTicket } from './timeline.js';
import { shownSeq } from './words.js';

function watch() {
  const ticket = document.getElementById('talk')?.dataset.ticket;
  send(ticket ? { type: 'watch', ticket } : { type: 'unwatch' });
  document.dispatchEvent(new CustomEvent('line:watching'));
  ping();
}

document.addEventListener('line:open', watch);
document.addEventListener('desk:merged', ({ detail }) => { if (detail.placed.includes('talk')) watch(); });

// The answer to a change of one's own carries the change: the doorbell that overtakes it is not followed until it is there.
let changing = 0;
let rung = 0;
function refreshBeyond(seq) {
  rung = Math.max(rung, seq);
  if (!changing && rung > shownSeq()) refreshTicket();
}
document.addEventListener('htmx:beforeRequest', ({ detail }) => { if (detail.requestConfig.verb !== 'get') changing += 1; });
document.addEventListener('htmx:afterRequest', ({ detail }) => {
  if (detail.requestConfig.verb === 'get') return;
  changing = Math.max(0, changing - 1);
  if (rung) refreshBeyond(0);
});
document.addEventListener('desk:merged', ({ detail }) => { if (detail.placed.includes('talk')) rung = 0; });

on('pong', ({ seq }) => { if (seq > shownSeq()) refreshBeyond(seq); });
on('ticket.changed', ({ ticket, seq }) => {
  if (ticket === document.getElementById('talk')?.dataset.ticket) refreshBeyond(seq);
  refreshListSoon();
});
on('inbox.changed', () => refreshListSoon());
document.addEventListener('line:caught-up', () => { refreshList(); refreshTicket(); });
