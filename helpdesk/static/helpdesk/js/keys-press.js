// How a key press is written: `e`, `E` with Shift, `Mod+K`. What the key prints counts; where it prints no Latin letter
// (Cyrillic, Arabic, Hebrew …), or a sign that means nothing here (the row of digits in French), its place does.
const PLACES = {
  Slash: '/?', Period: '.>', Comma: ',<', Semicolon: ';:', Quote: '\'"', Minus: '-_', Equal: '=+', Backquote: '`~',
  BracketLeft: '[{', BracketRight: ']}', Backslash: '\\|',
  Digit1: '1!', Digit2: '2@', Digit3: '3#', Digit4: '4$', Digit5: '5%', Digit6: '6^', Digit7: '7&', Digit8: '8*', Digit9: '9(', Digit0: '0)',
};

/** Ctrl or ⌘, but not AltGr, which Windows sends as Ctrl and Alt. */
export function isMod(event) {
  return (event.ctrlKey || event.metaKey) && !event.getModifierState('AltGraph') && !event.altKey;
}

function byPlace(event) {
  const latin = /^Key([A-Z])$/.exec(event.code)?.[1];
  if (latin) return event.shiftKey ? latin : latin.toLowerCase();
  return PLACES[event.code]?.[event.shiftKey ? 1 : 0] ?? '';
}

/** The press as a person's table of keys writes it, "" for none; `means` says whether a key means something by itself. */
export function pressed(event, means = () => true) {
  if (event.key === 'Enter' && isMod(event)) return `Mod+${event.shiftKey ? 'Shift+' : ''}Enter`;
  if (event.altKey && !event.getModifierState('AltGraph')) return '';
  const letter = /^[a-z]$/i.test(event.key);
  if (isMod(event)) {
    const name = (letter ? event.key : byPlace(event)).toUpperCase().replace(/[^A-Z]/, '') || (/^Digit(\d)$/.exec(event.code)?.[1] ?? '');
    return name && `Mod+${event.shiftKey ? 'Shift+' : ''}${name}`;
  }
  if (letter) return event.shiftKey ? event.key.toUpperCase() : event.key.toLowerCase();
  if (/^[!-~]$/.test(event.key)) {
    if (means(event.key) || event.code.startsWith('Key')) return event.key;
    const place = byPlace(event);
    return means(place) ? place : event.key;
  }
  return event.key.length === 1 ? byPlace(event) : '';
}

/** How a key is shown: its caps, one after the other. */
export function capsOf(key) {
  if (key.startsWith('Mod+')) {
    const mac = /Mac|iP(hone|ad)/.test(navigator.platform);
    return [key.replace('Mod', mac ? '⌘' : 'Ctrl').replace('Enter', '↵').replaceAll('+', ' ')];
  }
  return key.split(' ').filter(Boolean).map((cap) => (/^[A-Z]$/.test(cap) ? `⇧ ${cap}` : cap));
}
