// One's own work on pages other than the desk: the state bar, the offers with their keys, the sign of life.
import './menus.js';
import './toasts.js';
import './merge.js';
import './here.js';
import './work.js';
import { pressed } from './keys-press.js';

// The keys of offers work here too, as the person has set them.
const own = JSON.parse(document.body.dataset.keys || '{}').map ?? {};
const keys = { [own['accept-offer'] ?? 'Mod+Shift+A']: 'accept-offer', [own['decline-offer'] ?? 'Mod+Shift+D']: 'decline-offer' };
document.addEventListener('keydown', (event) => {
  const key = pressed(event);
  const button = key && document.querySelector(`[data-key="${keys[key]}"]`);
  if (!button || event.isComposing || event.defaultPrevented) return;
  event.preventDefault();
  button.click();
});
