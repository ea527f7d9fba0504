// The customers' pages: the desk's fragments, dialogs, toasts, its socket and one's own work, without its lists and tickets.
import './menus.js';
import './toasts.js';
import './merge.js';
import './joining.js';
import './work.js';
import { on, send } from './live.js';

const beat = () => send({ type: 'beat', typing: false, idle: document.hidden });
on('beat', beat);
document.addEventListener('line:watching', beat);
