// Steps of a macro as rows: each shows the one value it needs; rows are added, moved and removed. Without this script all
// fields are in sight, and an empty choice leaves a row out. Used by the administration and by the desk's own macros.
function fit(row) {
  const need = row.querySelector('[name$="-do"]').selectedOptions[0]?.dataset.need ?? '';
  for (const field of row.querySelectorAll('[data-for]')) field.hidden = field.dataset.for !== need;
}

function blank(row) {
  for (const field of row.querySelectorAll('select')) field.selectedIndex = 0;
  for (const field of row.querySelectorAll('input, textarea')) field.value = '';
  fit(row);
}

function add(rows) {
  const fresh = rows.lastElementChild.cloneNode(true);
  rows.append(fresh);
  blank(fresh);
  fresh.querySelector('select').focus();
}

for (const box of document.querySelectorAll('.steps')) {
  const rows = box.querySelector('.steps__rows');
  for (const row of rows.children) { fit(row); row.querySelector('.steps__acts').hidden = false; }
  box.querySelector('.steps__more').hidden = false;
  box.addEventListener('change', (event) => { if (event.target.name?.endsWith('-do')) fit(event.target.closest('li')); });
  box.addEventListener('click', (event) => {
    const button = event.target.closest('[data-step]');
    const row = button?.closest('li');
    switch (button?.dataset.step) {
      case 'up': row.previousElementSibling?.before(row); break;
      case 'down': row.nextElementSibling?.after(row); break;
      case 'off': if (rows.children.length > 1) row.remove(); else blank(row); return;
      case 'more': add(rows); return;
      default: return;
    }
    button.focus();
  });
}
