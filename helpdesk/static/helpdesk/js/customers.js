// The customers' pages: the desk's fragments, dialogs and toasts, without its socket and its lists.
import './menus.js';
import './toasts.js';
import './merge.js';
import './joining.js';
