// A new offer rings in one tab alone: in the one looked at, else in whichever takes the lock first.
const RINGS_APART_MS = 400;

function tone() {
  try {
    const sound = new AudioContext();
    [660, 880].forEach((hertz, at) => {
      const voice = new OscillatorNode(sound, { frequency: hertz });
      const volume = new GainNode(sound, { gain: 0.1 });
      voice.connect(volume).connect(sound.destination);
      voice.start(sound.currentTime + at * 0.18);
      voice.stop(sound.currentTime + at * 0.18 + 0.15);
    });
    setTimeout(() => sound.close(), 1000);
  } catch { /* a machine without sound */ }
}

/** Rings for an offer's card, once; `box` remembers which one rang here. */
export function ring(card, box) {
  const { id } = card;
  const { said } = card.dataset;
  const sound = () => {
    box.dataset.rang = id;
    tone();
    if (document.hidden && window.Notification?.permission === 'granted') new Notification(said, { tag: id }).onclick = () => focus();
  };
  if (!navigator.locks) { if (document.hasFocus()) sound(); return; }
  setTimeout(() => navigator.locks.request(id, { ifAvailable: true }, (lock) => {
    if (!lock || (card.ownerDocument === document && !document.getElementById(id))) return undefined;
    sound();
    return new Promise((done) => { setTimeout(done, 30000); });
  }), document.hasFocus() ? 0 : RINGS_APART_MS);
}
