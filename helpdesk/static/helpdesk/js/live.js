// The socket of this tab: doorbells only. A frame says what changed, the part is fetched; after any gap all that is shown
// is fetched again. While the line is down a banner says so. The first ten tries wait at most 2 s, jittered.
import { refreshListSoon, refreshList } from './list.js';
import { refreshTicket } from './timeline.js';

const PING_SECONDS = 20;
let socket = null;
let tries = 0;
let timer = 0;
let shownLost = 0;
let lastHeard = 0;
let connectedOnce = false;

function banner(visible) {
  const box = document.getElementById('connection');
  clearTimeout(shownLost);
  if (!visible) { box.hidden = true; return; }
  // a line back within two seconds is not worth a banner
  shownLost = setTimeout(() => {
    const text = box.querySelector('.banner__text');
    text.textContent = navigator.onLine ? text.dataset.wordsLost : text.dataset.wordsOffline;
    box.hidden = false;
  }, tries > 1 ? 0 : 2000);
}

function watch() {
  const ticket = document.getElementById('talk')?.dataset.ticket;
  if (socket?.readyState !== WebSocket.OPEN) return;
  socket.send(JSON.stringify(ticket ? { type: 'watch', ticket } : { type: 'unwatch' }));
}

function everything() {
  refreshList();
  refreshTicket();
}

const handlers = {
  'ticket.changed': (frame) => {
    if (frame.ticket === document.getElementById('talk')?.dataset.ticket) refreshTicket();
    refreshListSoon();
  },
  'inbox.changed': () => refreshListSoon(),
  resync: () => everything(),
};

function connect() {
  clearTimeout(timer);
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  const line = new WebSocket(`${scheme}://${location.host}${document.body.dataset.socket}`);
  socket = line;
  line.addEventListener('open', () => {
    tries = 0;
    lastHeard = Date.now();
    banner(false);
    watch();
    if (connectedOnce) everything();
    connectedOnce = true;
    document.documentElement.dataset.line = 'open';
  });
  line.addEventListener('message', (event) => {
    lastHeard = Date.now();
    let frame;
    try { frame = JSON.parse(event.data); } catch { return; }
    handlers[frame.type]?.(frame);
  });
  line.addEventListener('close', (event) => {
    if (line !== socket) return;
    document.documentElement.dataset.line = 'lost';
    if (event.code === 4401) { location.assign(`/accounts/login/?next=${encodeURIComponent(location.pathname + location.search)}`); return; }
    tries += 1;
    banner(true);
    const most = tries <= 10 ? 2000 : 15000;
    timer = setTimeout(connect, 200 + Math.random() * (Math.min(most, 300 * 2 ** tries) - 200));
  });
}

function reconnect() {
  socket?.close();
  socket = null;
  connect();
}

setInterval(() => {
  if (socket?.readyState === WebSocket.OPEN) {
    if (Date.now() - lastHeard > PING_SECONDS * 2500) reconnect();
    else socket.send(JSON.stringify({ type: 'ping' }));
  }
}, PING_SECONDS * 1000);

// A laptop that slept: timers stop, so a large gap between two ticks means that doorbells were missed.
let lastTick = Date.now();
setInterval(() => {
  const gap = Date.now() - lastTick;
  lastTick = Date.now();
  if (gap > 15000) reconnect();
}, 3000);

document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible' && socket?.readyState !== WebSocket.OPEN) reconnect();
});
addEventListener('online', reconnect);
addEventListener('offline', () => banner(true));
document.addEventListener('click', (event) => { if (event.target.closest('[data-do="reconnect"]')) reconnect(); });
document.addEventListener('desk:merged', ({ detail }) => { if (detail.placed.includes('talk')) watch(); });
// Lost doorbells cost at most this long: a tab that is looked at asks now and then by itself.
setInterval(() => { if (document.visibilityState === 'visible') everything(); }, 60000);
connect();
