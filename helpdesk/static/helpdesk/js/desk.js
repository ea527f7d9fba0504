// The desk's entry: wires the modules to the page. Each module owns one thing and speaks to the others by events.
import './zones.js';
import './menus.js';
import './toasts.js';
import './merge.js';
import './list.js';
import './list_layout.js';
import './filter.js';
import './timeline.js';
import './composer.js';
import './uploads.js';
import './live.js';
import './presence.js';
import './notifications.js';
import './find.js';
import './joining.js';
import './keys.js';
import './command.js';
