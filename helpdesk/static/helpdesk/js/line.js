// The staff socket of this tab: doorbells in, a heartbeat out. Frames say what changed, never what it says; after any gap all
// that is shown is fetched again (`line:caught-up`). A heartbeat every three seconds, which the server answers. Tries to come
// back wait at most 2 s ten times, jittered. Pages without a banner or a state in their head need none.
import { words } from './words.js';

const PING_MS = 3000;
const PING_HIDDEN_MS = 20000;
const ANSWER_MS = 2500;
const ASLEEP_MS = 5000;
const FALLBACK_MS = Number(document.body.dataset.sweep ?? 15000);
const root = document.documentElement;
const loadedAt = Date.now() - performance.now();
const heard = new Map();
let socket = null;
let tries = 0;
let timer = 0;
let nextTry = 0;
let openedOnce = false;
let pingedAt = 0;
let unanswered = 0;
let lostAt = Date.now();
let lastTick = Date.now();
let lastFallback = Date.now();

/** Calls `act` with each frame of this kind. */
export function on(type, act) {
  heard.set(type, [...(heard.get(type) ?? []), act]);
}

/** Sends a frame; what cannot be sent now is not kept, since beats and watches are told anew when the line is back. */
export function send(frame) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
}

function put(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

/** The small state in the head, and the banner once the line has been down for more than a moment. */
function show() {
  const open = socket?.readyState === WebSocket.OPEN;
  const state = open ? 'open' : !navigator.onLine ? 'offline' : tries > 0 ? 'lost' : 'wait';
  root.dataset.line = open ? 'open' : openedOnce || tries ? 'lost' : 'wait';
  const line = document.getElementById('line');
  const left = Math.max(1, Math.ceil((nextTry - Date.now()) / 1000));
  if (line) {
    if (line.dataset.state !== state) line.dataset.state = state;
    const said = line.dataset[`words${state[0].toUpperCase()}${state.slice(1)}`];
    put(line.querySelector('.line__words'), said);
    if (line.title !== said) line.title = said;
  }
  const box = document.getElementById('connection');
  if (!box) return;
  const visible = !open && (tries > 1 || Date.now() - lostAt > 2000) && tries > 0;
  if (box.hidden === visible) box.hidden = !visible;
  if (!visible) return;
  const text = box.querySelector('.banner__text');
  put(text, navigator.onLine ? text.dataset.wordsLost : text.dataset.wordsOffline);
  put(document.getElementById('connection-count'), navigator.onLine && nextTry > Date.now() ? words('retry', left) : '');
}

function catchUp() {
  document.dispatchEvent(new CustomEvent('line:caught-up'));
}

/** A sign that the tab is there, answered by a `pong`. */
export function ping(more = {}) {
  if (socket?.readyState !== WebSocket.OPEN) return;
  pingedAt = Date.now();
  unanswered ||= pingedAt;
  send({ type: 'ping', ...more });
}

on('resync', catchUp);

function connect() {
  clearTimeout(timer);
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  const line = new WebSocket(`${scheme}://${location.host}${document.body.dataset.socket ?? '/ws/agent/'}`);
  socket = line;
  line.addEventListener('open', () => {
    if (line !== socket) return;
    tries = 0;
    unanswered = 0;
    document.dispatchEvent(new CustomEvent('line:open'));
    if (openedOnce) catchUp();
    else ping({ age: (Date.now() - loadedAt) / 1000 });
    openedOnce = true;
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
    if (!tries) lostAt = Date.now();
    tries += 1;
    const most = tries <= 10 ? 2000 : 15000;
    const wait = 200 + Math.random() * (Math.min(most, 300 * 2 ** tries) - 200);
    nextTry = Date.now() + wait;
    timer = setTimeout(connect, wait);
    show();
  });
}

/** A line that may be dead is not waited for. */
function reconnect() {
  const old = socket;
  socket = null;
  old?.close();
  connect();
  show();
}

function tick() {
  const now = Date.now();
  const slept = now - lastTick > ASLEEP_MS && document.visibilityState === 'visible';
  lastTick = now;
  if (slept) { reconnect(); return; }
  if (socket?.readyState === WebSocket.OPEN) {
    if (unanswered && now - unanswered > ANSWER_MS && now - pingedAt < 2 * ANSWER_MS) reconnect();
    else if (now - pingedAt >= (document.visibilityState === 'visible' ? PING_MS : PING_HIDDEN_MS)) ping();
  } else if (now - Math.max(lastFallback, lostAt) > FALLBACK_MS && navigator.onLine && document.visibilityState === 'visible') {
    lastFallback = now;  // where sockets do not pass at all the page still moves
    catchUp();
  }
  show();
}

document.addEventListener('visibilitychange', () => {
  if (document.visibilityState !== 'visible') return;
  lastTick = Date.now();
  unanswered = 0;
  if (socket?.readyState === WebSocket.OPEN) ping();
  else reconnect();
});
addEventListener('online', reconnect);
addEventListener('offline', show);
document.addEventListener('click', (event) => { if (event.target.closest('[data-do="reconnect"]')) reconnect(); });
setInterval(tick, 500);
connect();
