// What is selected in the conversation is quoted in the reply: by the key r, and by the buttons that answer a message.
import { grow, insertAt, paper } from './composer_box.js';

/** The words selected within one message, or "". */
export function selectedWords() {
  const chosen = getSelection();
  if (!chosen || chosen.isCollapsed) return '';
  const inside = (node) => (node?.nodeType === 1 ? node : node?.parentElement)?.closest('#timeline .msg__body');
  const here = inside(chosen.anchorNode);
  return here && here === inside(chosen.focusNode) ? chosen.toString().trim() : '';
}

/** Puts words as a quotation at the cursor of the reply, and leaves the cursor below it. */
export function quote(words) {
  const text = paper('reply');
  if (!words || !text || text.disabled) return;
  const before = text.value.slice(0, text.selectionStart);
  const gap = !before || before.endsWith('\n\n') ? '' : before.endsWith('\n') ? '\n' : '\n\n';
  const lines = words.split(/\r?\n/).map((line) => `> ${line}`.trimEnd());
  insertAt(text, `${gap}${lines.join('\n')}\n\n`);
  grow(text);
}

// A click takes the selection away before it is heard, so it is remembered when the pointer goes down.
let remembered = '';
document.addEventListener('pointerdown', (event) => {
  remembered = event.target.closest?.('[data-do="answer"]') ? selectedWords() : '';
}, true);
/** The words that were selected when the pressed button was touched. */
export const rememberedWords = () => remembered || selectedWords();
