// Zones: one at a time on a phone, the context as a drawer in between, the theme of this device, help.
const body = document.body;

/** Shows a zone on a narrow screen. */
export function showZone(name) {
  body.dataset.zone = name;
  for (const button of document.querySelectorAll('.desk__bottom [data-do^="zone:"]')) {
    button.setAttribute('aria-pressed', String(button.dataset.do === `zone:${name}`));
  }
}

function turnTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  const secure = location.protocol === 'https:' ? ';secure' : '';
  document.cookie = `theme=${root.dataset.theme};path=/;max-age=31536000;samesite=lax${secure}`;
}

document.addEventListener('click', (event) => {
  const verb = event.target.closest('[data-do]')?.dataset.do ?? '';
  if (verb.startsWith('zone:')) showZone(verb.slice(5));
  if (verb === 'context') body.toggleAttribute('data-context');
  if (verb === 'theme') turnTheme();
  if (verb === 'help') document.getElementById('help').showModal();
  if (!event.target.closest('.desk__context, [data-do="context"]')) body.removeAttribute('data-context');
});

document.addEventListener('desk:merged', ({ detail }) => {
  if (!detail.own) return;
  if (detail.placed.includes('list')) showZone('list');
  else if (detail.placed.includes('talk')) showZone('conversation');
});

document.addEventListener('click', (event) => {
  const copy = event.target.closest('[data-copy]');
  if (copy) navigator.clipboard?.writeText(copy.dataset.copy).catch(() => {});
});
