// Times that run on between two fetches: from ISO instants, by the server's clock. Rings empty and turn with their target.
// What time alone changes (somebody waits too long, a queue opens) is fetched at that moment.
const words = document.getElementById('board-words').dataset;
const apart = Date.parse(document.body.dataset.now) - (Date.now() - performance.now());
const skew = Math.abs(apart) > 5000 ? apart : 0;  // less is the way of the page, not a wrong clock

const two = (n) => String(n).padStart(2, '0');

/** As templatetags/board.py says it: 2:48, 3 h 10, 2 d 4 h. */
function stopwatch(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 3600) return `${Math.floor(whole / 60)}:${two(whole % 60)}`;
  const hours = Math.floor(whole / 3600);
  if (hours < 24) return words.hours.replace('%h', hours).replace('%m', two(Math.floor((whole % 3600) / 60)));
  return words.days.replace('%d', Math.floor(hours / 24)).replace('%h', hours % 24);
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const stale = () => document.dispatchEvent(new CustomEvent('board:stale'));

function turn(clock, waited) {
  const within = Number(clock.dataset.within);
  const left = within ? 1 - waited / within : 0;
  const state = left <= 0 ? 'breach' : left < 1 / 3 ? 'soon' : 'ok';
  if (clock.dataset.state !== state) {
    clock.dataset.state = state;
    if (state === 'breach') stale();  // a level is lower now, and nobody rings for that
  }
  clock.querySelector('.ring__fill').setAttribute('stroke-dasharray', `${Math.max(0, Math.round(left * 100))} 100`);
}

function tick() {
  const now = Date.now() + skew;
  for (const time of document.querySelectorAll('time[data-tick="since"]')) {
    const waited = (now - Date.parse(time.dateTime)) / 1000;
    put(time, stopwatch(waited));
    const clock = time.closest('[data-clock]');
    if (clock) turn(clock, waited);
  }
  const queues = document.querySelector('#board-queues[data-changes]');
  if (queues && now >= Date.parse(queues.dataset.changes)) {
    queues.removeAttribute('data-changes');  // a queue opens or closes
    stale();
  }
}
tick();
setInterval(tick, 1000);
