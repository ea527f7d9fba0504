// Words the server translated for scripts (templates/desk/_dictionary.html), and the token for our own requests.
const dictionary = document.getElementById('dictionary')?.dataset ?? {};

/** The sentence `key`, with %n and %s replaced. */
export function words(key, value = '') {
  return (dictionary[key] ?? '').replace(/%[ns]/, String(value));
}

/** Headers every request of ours carries. */
export function headers() {
  const own = JSON.parse(document.body.getAttribute('hx-headers') || '{}');
  return { ...own, 'HX-Request': 'true' };
}

/** Reads a line to screen readers. */
export function say(text) {
  const box = document.getElementById('said');
  if (!box) return;
  const line = document.createElement('p');
  line.textContent = text;
  box.replaceChildren(line);
}

/** The seq the conversation shows, or 0 without a ticket. */
export function shownSeq() {
  return Number(document.getElementById('talk-head')?.dataset.seq ?? 0);
}

/** Whether an answer came from the sign-in page: the session is over. Goes there, and back here after signing in. */
export function signedOut(address) {
  if (!address || !new URL(address, location.href).pathname.startsWith('/accounts/')) return false;
  location.assign(`/accounts/login/?next=${encodeURIComponent(location.pathname + location.search)}`);
  return true;
}
