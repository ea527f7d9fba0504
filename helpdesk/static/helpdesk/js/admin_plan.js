// The steps of a routing plan as an editor over the JSON that is sent: each change is written back into the text at once.
// The text stays reachable ("As text"), and is all there is without this script or when it cannot be read.
// data-plan: {skills, agents, queues, who, skips: [[key, name]…], levels: [[n, name]…], words: {…}}.

const field = document.querySelector('textarea[data-plan]');
const plain = (value) => value !== undefined && value !== null;

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'class') made.className = value;
    else if (name === 'on') for (const [event, run] of Object.entries(value)) made.addEventListener(event, run);
    else if (typeof value === 'boolean') made.toggleAttribute(name, value);
    else if (plain(value)) made.setAttribute(name, value);
  }
  made.append(...children.filter(plain));
  return made;
}

// --- needs: {"all": […]} and its kin as {kind, items}, a leaf as {skill, level, wanted} ---

const GROUPS = { all: (items) => ({ all: items }), any: (items) => ({ any: items }), none: (items) => ({ not: { any: items } }), notall: (items) => ({ not: { all: items } }) };

function node(tree) {
  if (!tree || (typeof tree === 'object' && !Object.keys(tree).length)) return { kind: 'all', items: [] };
  if (Array.isArray(tree)) return { kind: 'all', items: tree.map(node) };
  if (tree.skill !== undefined) return { skill: tree.skill, level: tree.level ?? 1, wanted: true };
  if (tree.not !== undefined) {
    const below = node(tree.not);
    if (below.skill !== undefined) return { ...below, wanted: !below.wanted };
    const turned = { any: 'none', all: 'notall', none: 'any', notall: 'all' };
    return { kind: turned[below.kind], items: below.items };
  }
  const kind = tree.any ? 'any' : 'all';
  return { kind, items: tree[kind].map(node) };
}

const group = (found) => (found.skill === undefined ? found : { kind: 'all', items: [found] });

function tree(found) {
  if (found.skill !== undefined) {
    if (!found.skill) return null;
    const leaf = { skill: found.skill, level: Number(found.level) };
    return found.wanted ? leaf : { not: leaf };
  }
  const items = found.items.map(tree).filter(Boolean);
  if (!items.length) return null;
  if (items.length === 1 && (found.kind === 'all' || found.kind === 'any')) return items[0];
  return GROUPS[found.kind](items);
}

function start(data, plan) {
  const { words } = data;
  const steps = (plan.steps ?? []).map((step) => ({ ...step, needs: group(node(step.needs)) }));
  const list = element('ol', { class: 'plan__steps' });
  const state = { final: plan.final ?? 'stay', never_relax: plan.never_relax ?? ['lang', 'licence'] };

  function write() {
    const out = steps.map(({ needs, ...step }) => {
      const asked = tree(needs);
      return asked ? { ...step, needs: asked } : step;
    });
    field.value = JSON.stringify({ steps: out, final: state.final, never_relax: state.never_relax }, null, 1);
    field.dispatchEvent(new Event('change', { bubbles: true }));
    ages();
  }

  function set(step, key, value, usual) {
    if (value === usual || (Array.isArray(value) && !value.length && Array.isArray(usual))) delete step[key];
    else step[key] = value;
    write();
  }

  // --- small controls ---

  function labelled(label, control, help) {
    const made = element('label', { class: 'plan__field' }, element('span', {}, label), control);
    if (help) control.title = help;
    return made;
  }

  function options(select, known, chosen) {
    const missing = chosen.filter((key) => key !== '' && !known.some(([one]) => String(one) === String(key)));
    for (const [key, name] of [...known, ...missing.map((one) => [one, one])]) {
      select.add(new Option(name, key, false, chosen.some((one) => String(one) === String(key))));
    }
    return select;
  }

  function pick(label, known, chosen, run) {
    const select = element('select', { 'aria-label': label, on: { change: () => run(select.value) } });
    return options(select, known, [chosen]);
  }

  function several(label, known, chosen, run) {
    const box = element('details', { class: 'plan__several' });
    const summary = element('summary');
    const name = (key) => known.find(([one]) => String(one) === String(key))?.[1] ?? key;
    const tell = () => { summary.textContent = `${label}: ${chosen.map(name).join(', ') || words.nobody}`; };
    const all = [...known, ...chosen.filter((key) => !known.some(([one]) => String(one) === String(key))).map((one) => [one, one])];
    box.append(summary, element('div', { class: 'plan__choices' }, ...all.map(([key, words_]) => {
      const tick = element('input', { type: 'checkbox', value: key, on: { change: () => {
        chosen = tick.checked ? [...chosen, key] : chosen.filter((one) => String(one) !== String(key));
        tell();
        run(chosen);
      } } });
      tick.checked = chosen.some((one) => String(one) === String(key));
      return element('label', {}, tick, ` ${words_}`);
    })));
    tell();
    return box;
  }

  function number(label, value, run, attributes = {}) {
    const input = element('input', { type: 'number', min: '0', step: 'any', ...attributes });
    input.value = plain(value) ? value : '';
    input.addEventListener('input', () => run(input.value === '' ? null : Number(input.value)));
    return labelled(label, input);
  }

  function button(text, title, run, extra = '') {
    return element('button', { type: 'button', class: `button ${extra}`, title, 'aria-label': title, on: { click: run } }, text);
  }

  // --- one group of needs, groups in it one level down and further ---

  function needs(root, depth, remove, redraw) {
    const known = [['all', words.all], ['any', words.any], ['none', words.none], ...(root.kind === 'notall' ? [['notall', words.notall]] : [])];
    const box = element('div', { class: 'plan__group', role: 'group', 'aria-label': words.group });
    const head = element('div', { class: 'plan__row' }, pick(words.group, known, root.kind, (kind) => { root.kind = kind; write(); }));
    if (remove) head.append(button('×', words.remove_group, remove, 'plan__off'));
    box.append(head);
    root.items.forEach((item, at) => {
      const off = () => { root.items.splice(at, 1); write(); redraw(); };
      if (item.skill === undefined) { box.append(needs(item, depth + 1, off, redraw)); return; }
      box.append(element('div', { class: 'plan__row' },
        pick(words.has, [['yes', words.has], ['no', words.lacks]], item.wanted ? 'yes' : 'no', (value) => { item.wanted = value === 'yes'; write(); }),
        pick(words.skill, [['', words.choose], ...data.skills], item.skill, (value) => { item.skill = value; write(); }),
        pick(words.level, data.levels, item.level, (value) => { item.level = Number(value); write(); }),
        button('×', words.remove_skill, off, 'plan__off')));
    });
    const add = (made) => { root.items.push(made); write(); redraw(); };
    box.append(element('div', { class: 'plan__row' },
      button(`+ ${words.skill}`, words.add_skill, () => add({ skill: '', level: 1, wanted: true }), 'plan__add-skill'),
      depth < 3 ? button(`+ ${words.group}`, words.add_group, () => add({ kind: root.kind === 'any' ? 'all' : 'any', items: [{ skill: '', level: 1, wanted: true }] }), 'plan__add-group') : null));
    return box;
  }

  // --- one step ---

  function own(step) {
    const mode = step.keep === undefined || step.keep === 'all' || step.keep === null ? 'all' : step.keep.length ? 'some' : 'none';
    const box = element('div', { class: 'plan__row' });
    const tops = [...new Map(data.skills.map(([path, name]) => [path.split('/')[0], name]).reverse()).entries()].reverse();
    const some = several(words.kept, [...tops.filter(([top]) => !data.skills.some(([path]) => path === top)), ...data.skills], mode === 'some' ? step.keep : [], (chosen) => { step.keep = chosen; write(); });
    some.hidden = mode !== 'some';
    box.append(labelled(words.own, pick(words.own, [['all', words.keep_all], ['some', words.keep_some], ['none', words.keep_none]], mode, (value) => {
      some.hidden = value !== 'some';
      if (value === 'all') delete step.keep; else step.keep = value === 'none' ? [] : (step.keep === 'all' ? [] : step.keep ?? []);
      write();
    })), some, number(words.lower, step.lower ?? 0, (value) => set(step, 'lower', value ?? 0, 0), { max: '4', step: '1' }));
    return box;
  }

  function body(step, redraw) {
    const only = element('input', { type: 'checkbox', on: { change: () => set(step, 'only_preferred', only.checked, false) } });
    only.checked = Boolean(step.only_preferred);
    const asKey = (chosen) => chosen.map((key) => (/^\d+$/.test(String(key)) ? Number(key) : key));
    return element('div', { class: 'plan__body' },
      element('div', { class: 'plan__part' }, element('strong', {}, words.needs), needs(step.needs, 1, null, redraw)),
      own(step),
      element('div', { class: 'plan__row' },
        several(words.preferred, [...data.who, ...data.agents], step.preferred ?? [], (chosen) => set(step, 'preferred', asKey(chosen), [])),
        element('label', { class: 'plan__tick' }, only, ` ${words.only}`)),
      element('div', { class: 'plan__row' },
        number(words.expiry, step.expiry, (value) => { step.expiry = value; write(); }),
        number(words.min_wait, step.min_wait ?? 0, (value) => set(step, 'min_wait', value ?? 0, 0))),
      element('div', { class: 'plan__row' },
        several(words.overflow, data.queues, step.overflow_to ?? [], (chosen) => set(step, 'overflow_to', asKey(chosen), [])),
        number(words.boost, step.boost ?? 0, (value) => set(step, 'boost', value ?? 0, 0))),
      element('details', { class: 'plan__more' }, element('summary', {}, words.more),
        several(words.skip, data.skips, step.skip_if ?? [], (chosen) => { step.skip_if = chosen; write(); }),
        element('div', { class: 'plan__row' },
          number(words.min_penalty, step.min_penalty ?? 0, (value) => set(step, 'min_penalty', value ?? 0, 0), { step: '1' }),
          number(words.max_penalty, step.max_penalty, (value) => set(step, 'max_penalty', value ?? undefined, undefined), { step: '1' }),
          number(words.raise_penalty, step.raise_penalty ?? 0, (value) => set(step, 'raise_penalty', value ?? 0, 0), { step: '1' }))));
  }

  function draw(focus) {
    list.replaceChildren(...steps.map((step, at) => {
      const move = (by) => { const [taken] = steps.splice(at, 1); steps.splice(at + by, 0, taken); write(); draw([at + by, by < 0 ? 'up' : 'down']); };
      const acts = element('span', { class: 'plan__acts' },
        at > 0 ? button('↑', words.up, () => move(-1), 'plan__up') : null,
        at < steps.length - 1 ? button('↓', words.down, () => move(1), 'plan__down') : null,
        button('×', words.remove_step, () => { steps.splice(at, 1); write(); draw(); more.focus(); }, 'plan__off'));
      const item = element('li', { class: 'plan__step', role: 'group', 'aria-label': `${words.step} ${at + 1}` });
      const redraw = () => { const fresh = body(step, redraw); item.querySelector('.plan__body').replaceWith(fresh); fresh.querySelector('.plan__group .plan__row:last-child button')?.focus(); };
      item.append(element('div', { class: 'plan__head' }, element('strong', {}, `${words.step} ${at + 1}`), element('span', { class: 'plan__age' }), acts), body(step, redraw));
      return item;
    }));
    ages();
    if (focus) (list.children[focus[0]]?.querySelector(`.plan__${focus[1]}`) ?? list.children[focus[0]]?.querySelector('button'))?.focus();
  }

  // From which age in the queue to which a step holds; ages add up over the steps.
  function ages() {
    let from = 0;
    steps.forEach((step, at) => {
      const place = list.children[at]?.querySelector('.plan__age');
      const begins = Math.max(from, step.min_wait ?? 0);
      const ends = plain(step.expiry) ? from + step.expiry : null;
      if (place) place.textContent = Number.isNaN(from) ? words.never_reached : ends === null ? words.age_open.replace('{from}', begins) : words.age.replace('{from}', begins).replace('{to}', ends);
      from = ends === null ? NaN : ends;
    });
  }

  const more = button(`+ ${words.step}`, words.add_step, () => {
    steps.push({ needs: { kind: 'all', items: [] }, expiry: null });
    write();
    draw();
    list.lastElementChild.querySelector('.plan__group button').focus();
  }, 'plan__add-step');
  const relax = element('input', { type: 'text', on: { input: () => { state.never_relax = relax.value.split(/[,،，、]/).map((one) => one.trim()).filter(Boolean); write(); } } });
  relax.value = state.never_relax.join(', ');
  const text = element('details', { class: 'plan__text' }, element('summary', {}, words.text));
  const box = element('div', { class: 'plan' }, list, element('div', { class: 'plan__row' }, more),
    element('div', { class: 'plan__row' },
      labelled(words.final, pick(words.final, [['stay', words.final_stay], ['any', words.final_any]], state.final, (value) => { state.final = value; write(); })),
      labelled(words.never_relax, relax)));
  field.before(box);
  box.append(text);
  text.append(field);
  field.addEventListener('input', () => { box.classList.add('plan--stale'); });
  draw();
}

if (field) {
  try {
    const plan = JSON.parse(field.value.trim() || '{}');
    if (plan && typeof plan === 'object' && !Array.isArray(plan) && Array.isArray(plan.steps ?? [])) start(JSON.parse(field.dataset.plan), plan);
  } catch (problem) {
    if (!(problem instanceof SyntaxError)) throw problem;  // what cannot be read is mended as text
  }
}
