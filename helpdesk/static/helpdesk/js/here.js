// The sign of life of a page without tickets: by it the agent counts as present. The socket asks, since a page out of sight
// lets its own clocks sleep.
import { on, send } from './line.js';

const beat = () => send({ type: 'beat', typing: false, idle: document.hidden });
on('beat', beat);
document.addEventListener('line:open', beat);
