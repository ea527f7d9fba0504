// The list over the full width as a table, remembered on this device. A ticket that is opened takes its place; back leads here.
document.addEventListener('click', (event) => {
  if (!event.target.closest('[data-do="list-layout"]')) return;
  const isTable = document.body.dataset.layout !== 'table';
  if (isTable) document.body.dataset.layout = 'table';
  else delete document.body.dataset.layout;
  for (const button of document.querySelectorAll('[data-do="list-layout"]')) button.setAttribute('aria-pressed', String(isTable));
  const secure = location.protocol === 'https:' ? ';secure' : '';
  document.cookie = `layout=${isTable ? 'table' : ''};path=/;max-age=31536000;samesite=lax${secure}`;
  if (isTable && document.getElementById('talk')?.dataset.number) document.getElementById('list-whole')?.click();
});
