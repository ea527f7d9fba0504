// The customers' pages: the desk's fragments, dialogs, toasts, its socket and one's own work, without its lists and tickets.
import './menus.js';
import './toasts.js';
import './merge.js';
import './joining.js';
import './work.js';
import { on, send } from './live.js';
import { pressed } from './keys-press.js';

const beat = () => send({ type: 'beat', typing: false, idle: document.hidden });
on('beat', beat);
document.addEventListener('line:watching', beat);

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
