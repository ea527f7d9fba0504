// Puts the fragments of a bundle where they belong. A bundle is what a view answers with the header HX-Merge: elements with
// ids replace their namesakes, <div data-merge="timeline"> adds or redraws entries, toasts go to their corner.
// What somebody is using (an open menu, a field with the cursor) is left alone when the change came from elsewhere.
import { elementsOf } from './fragments.js';
import { showToast } from './toasts.js';
import { shownSeq, signedOut, words } from './words.js';

function isHeld(element) {
  return element.contains(document.activeElement) && document.activeElement !== document.body && document.activeElement.matches('input, textarea, select')
    || element.querySelector('details.pick[open]') !== null;
}

function keepOpen(before, after) {
  for (const details of before.querySelectorAll('details.sect[id]')) {
    const twin = after.querySelector(`#${CSS.escape(details.id)}`);
    if (twin) twin.open = details.open;
  }
}

function replace(element, { own }) {
  const before = document.getElementById(element.id);
  if (!before) return null;
  if (!own && element.id !== 'timeline' && isHeld(before)) return null;
  if (before.outerHTML === element.outerHTML) return null;
  const focus = before.contains(document.activeElement) ? document.activeElement.id : '';
  const scroll = before.querySelector('.scroll')?.scrollTop ?? before.scrollTop;
  keepOpen(before, element);
  before.replaceWith(element);
  (element.querySelector('.scroll') ?? element).scrollTop = element.id === 'talk' || element.id === 'list' ? 0 : scroll;
  htmx.process(element);
  if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
  return element;
}

function mergeTimeline(box, timeline) {
  const added = [];
  for (const entry of [...box.children]) {
    const before = document.getElementById(entry.id);
    if (before) {
      if (before.dataset.rev !== entry.dataset.rev) {
        before.replaceWith(entry);
        htmx.process(entry);
      }
      continue;
    }
    timeline.append(entry);
    htmx.process(entry);
    added.push(entry);
  }
  return added;
}

/** Merges a bundle; `own` says that the person asked for it himself. */
export function merge(html, { own = false } = {}) {
  const placed = [];
  let added = [];
  for (const element of elementsOf(html)) {
    if (element.localName === 'title') document.title = element.textContent.trim();
    else if (element.classList.contains('toast')) showToast(element);
    else if (element.dataset.merge === 'timeline') {
      const timeline = document.getElementById('timeline');
      if (timeline) added = mergeTimeline(element, timeline);
    } else if (element.id) {
      const done = replace(element, { own });
      if (done) placed.push(done.id);
    }
  }
  document.dispatchEvent(new CustomEvent('desk:merged', { detail: { own, placed, added } }));
}

document.addEventListener('htmx:configRequest', (event) => {
  event.detail.headers['X-Ticket-Seq'] = String(shownSeq());
});

// A merged answer is no swap of htmx, so the address is pushed here. Going back loads the page anew: no copy of a
// customer's words is kept in the browser's storage.
history.replaceState({ htmx: true }, '');

document.addEventListener('htmx:beforeSwap', (event) => {
  const { xhr, requestConfig, pathInfo } = event.detail;
  if (signedOut(xhr.responseURL)) {
    event.detail.shouldSwap = false;
    return;
  }
  if (xhr.getResponseHeader('HX-Merge') !== '1') return;
  event.detail.shouldSwap = false;
  event.detail.isError = false;
  if (xhr.status < 400 && requestConfig.elt.getAttribute('hx-push-url') === 'true' && requestConfig.verb === 'get') {
    history.pushState({ htmx: true }, '', pathInfo.responsePath || pathInfo.finalRequestPath);
  }
  merge(xhr.responseText, { own: xhr.status !== 409 });  // what stops a sending moves nothing
});

document.addEventListener('htmx:sendError', () => showToast(words('failed'), 'error'));
document.addEventListener('htmx:responseError', (event) => {
  const { xhr } = event.detail;
  if (xhr.getResponseHeader('HX-Merge') === '1') return;
  showToast(words(xhr.status === 403 ? 'forbidden' : xhr.status === 404 ? 'gone' : 'failed'), 'error');
});
