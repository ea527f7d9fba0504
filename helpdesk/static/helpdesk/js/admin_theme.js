// The admin follows the theme chosen at the desk. The attribute is `theme`, not `data-theme`, whose rules Django's own style
// sheets would claim. Loaded before the page is drawn, so that it never flashes.
const chosen = document.querySelector('meta[name="helpdesk-theme"]')?.content;
if (chosen) document.documentElement.setAttribute('theme', chosen);

// Fields with suggestions are drawn by select2, which forgets what their label says.
function nameFields() {
  for (const drawn of document.querySelectorAll('.select2-container')) {
    const words = drawn.previousElementSibling?.labels?.[0]?.textContent.trim().replace(/:$/, '');
    if (words) for (const part of drawn.querySelectorAll('.select2-selection, .select2-selection__rendered')) part.setAttribute('aria-label', words);
  }
}
addEventListener('load', () => window.django?.jQuery?.(nameFields)); // after select2 has drawn them
