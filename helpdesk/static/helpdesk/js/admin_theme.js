// The admin follows the theme chosen at the desk. The attribute is `theme`, not `data-theme`, whose rules Django's own style
// sheets would claim. Loaded before the page is drawn, so that it never flashes.
const chosen = document.querySelector('meta[name="helpdesk-theme"]')?.content;
if (chosen) document.documentElement.setAttribute('theme', chosen);
