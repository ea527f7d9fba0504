// The board's end of the staff socket: doorbells in, a heartbeat out. While the line is away the board is swept every five
// seconds, and never while it is there. Tries to come back wait at most 2 s ten times, then 15, jittered.
const PING_MS = 3000;
const ANSWER_MS = 4000;
const SWEEP_MS = 5000;
const heard = new Map();
const caughtUp = [];
const loadedAt = Date.now() - performance.now();
let socket = null;
let tries = 0;
let opened = false;
let unanswered = 0;
let lastPing = 0;
let lastSweep = Date.now();
let timer = 0;

/** Calls `act` with each frame of this kind. */
export function onBell(type, act) {
  heard.set(type, [...(heard.get(type) ?? []), act]);
}

/** Calls `act` when doorbells may have been missed. */
export function onCaughtUp(act) {
  caughtUp.push(act);
}

function sweep() {
  for (const act of caughtUp) act();
}

function show() {
  const line = document.getElementById('line');
  const open = socket?.readyState === WebSocket.OPEN;
  const state = open ? 'open' : !navigator.onLine ? 'offline' : tries > 0 ? 'lost' : 'wait';
  document.documentElement.dataset.line = open ? 'open' : tries || opened ? 'lost' : 'wait';
  if (line.dataset.state === state) return;
  line.dataset.state = state;
  line.querySelector('.line__words').textContent = line.dataset[`words${state[0].toUpperCase()}${state.slice(1)}`];
}

function ping() {
  lastPing = Date.now();
  unanswered ||= lastPing;
  const age = opened ? {} : { age: (Date.now() - loadedAt) / 1000 };
  socket.send(JSON.stringify({ type: 'ping', ...age }));
}

function connect() {
  clearTimeout(timer);
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  const line = new WebSocket(`${scheme}://${location.host}${document.body.dataset.socket}`);
  socket = line;
  line.addEventListener('open', () => {
    if (line !== socket) return;
    tries = 0;
    unanswered = 0;
    ping();
    opened = true;
    sweep();  // what changed between the making of the page and now rang at nobody
    show();
  });
  line.addEventListener('message', (event) => {
    if (line !== socket) return;
    unanswered = 0;
    let frame;
    try { frame = JSON.parse(event.data); } catch { return; }
    for (const act of heard.get(frame.type) ?? []) act(frame);
  });
  line.addEventListener('close', (event) => {
    if (line !== socket) return;
    if (event.code === 4401) { location.assign(`/accounts/login/?next=${encodeURIComponent(location.pathname + location.search)}`); return; }
    tries += 1;
    const most = tries <= 10 ? 2000 : 15000;
    timer = setTimeout(connect, 200 + Math.random() * (Math.min(most, 300 * 2 ** tries) - 200));
    show();
  });
}

function reconnect() {
  const old = socket;
  socket = null;
  old?.close();
  connect();
  show();
}

setInterval(() => {
  const now = Date.now();
  if (socket?.readyState === WebSocket.OPEN) {
    if (unanswered && now - unanswered > ANSWER_MS) reconnect();
    else if (now - lastPing >= PING_MS) ping();
  } else if (now - lastSweep >= SWEEP_MS && document.visibilityState === 'visible') {
    lastSweep = now;
    sweep();
  }
  show();
}, 500);
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState !== 'visible') return;
  unanswered = 0;
  if (socket?.readyState === WebSocket.OPEN) ping();
  else reconnect();
});
addEventListener('online', reconnect);
addEventListener('offline', show);
connect();
