// The widths a person gave his zones, before the page is drawn, so that nothing jumps. Loaded only where he changed one.
const widths = JSON.parse(document.documentElement.dataset.widths || '{}');
for (const [name, width] of Object.entries(widths)) document.documentElement.style.setProperty(`--my-${name}-w`, `${width}px`);
