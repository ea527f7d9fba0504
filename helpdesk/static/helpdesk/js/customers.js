// The customers' pages: the desk's fragments and dialogs and one's own work, without its lists and tickets.
import './bar.js';
import './joining.js';
