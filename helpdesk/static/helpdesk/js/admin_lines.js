// Fields that hold entries as text ("09:00-12:00, 13:00-17:00", a line a day off, a skill and its level a line) as rows of
// small controls. The text stays what is sent, so without this script the same field is written by hand.
// data-lines: {columns: [{kind, label, options?}], between, rows, add, remove, none}.

const TIME = /^\d\d:\d\d$/;
const DATE = /^\d{4}-\d\d-\d\d$/;

function control(column, value) {
  if (column.kind === 'select') {
    const select = document.createElement('select');
    const known = column.options.some(([key]) => key === value);
    for (const [key, words] of known || !value ? column.options : [[value, value], ...column.options]) {
      select.add(new Option(words, key, false, key === value));
    }
    return select;
  }
  const input = document.createElement('input');
  const fits = !value || (column.kind === 'time' ? TIME.test(value) : column.kind === 'date' ? DATE.test(value) : true);
  input.type = fits ? column.kind : 'text';
  if (column.kind === 'number') input.min = '0';
  if (column.kind === 'text') input.dir = 'auto';
  input.value = value;
  return input;
}

function parts(line, columns, between) {
  const found = [];
  let rest = line.trim();
  for (let n = 1; n < columns; n += 1) {
    const at = rest.indexOf(between);
    if (at < 0) break;
    found.push(rest.slice(0, at).trim());
    rest = rest.slice(at + between.length).trim();
  }
  found.push(rest);
  return found;
}

function grow(field) {
  const { columns, between, rows, add, remove, none } = JSON.parse(field.dataset.lines);
  const title = field.labels[0]?.textContent.replace(/:\s*$/, '').trim() ?? '';
  const box = document.createElement('div');
  box.className = 'lines';
  box.setAttribute('role', 'group');
  box.setAttribute('aria-label', title);
  const list = document.createElement('div');
  list.className = 'lines__rows';
  const empty = document.createElement('span');
  empty.className = 'lines__none';
  empty.textContent = none ?? '';
  const more = document.createElement('button');
  more.type = 'button';
  more.className = 'button';
  more.textContent = `+ ${add}`;
  more.setAttribute('aria-label', `${title}: ${add}`);

  function write() {
    const lines = [...list.children].map((row) => {
      const values = [...row.querySelectorAll('input, select')].map((one) => one.value.trim());
      return values.some(Boolean) ? values.join(between).trim() : '';
    });
    field.value = lines.filter(Boolean).join(rows);
    field.dispatchEvent(new Event('change', { bubbles: true }));
    empty.hidden = list.children.length > 0;
  }

  function append(values) {
    const row = document.createElement('div');
    row.className = 'lines__row';
    columns.forEach((column, n) => {
      const made = control(column, values[n] ?? '');
      made.setAttribute('aria-label', `${title}: ${column.label}`);
      made.title = column.label;
      row.append(made);
    });
    const off = document.createElement('button');
    off.type = 'button';
    off.className = 'button lines__off';
    off.textContent = '×';
    off.title = remove;
    off.setAttribute('aria-label', `${title}: ${remove}`);
    off.addEventListener('click', () => { row.remove(); write(); more.focus(); });
    row.append(off);
    list.append(row);
    return row;
  }

  for (const line of field.value.split(rows === '\n' ? /\n/ : /[,;،؛，；、\n]/)) {
    if (line.trim()) append(parts(line, columns.length, between));
  }
  more.addEventListener('click', () => {
    const row = append([]);
    empty.hidden = true;
    if (row.querySelector('select')) write();
    row.querySelector('input, select').focus();
  });
  list.addEventListener('input', write);
  empty.hidden = list.children.length > 0;
  box.append(list, empty, more);
  field.after(box);
  field.hidden = true;
  field.dataset.grown = '';
}

for (const field of document.querySelectorAll('[data-lines]')) if (!field.name.includes('__prefix__')) grow(field);
