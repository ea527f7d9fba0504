// The administration of somebody who takes contacts: its pages give the sign of life, and say when an offer waits at the desk.
import './here.js';
import { on } from './line.js';
import { ring } from './ring.js';
import { headers } from './words.js';

const notice = document.getElementById('offer-notice');
const announced = new Set();
let timer = 0;

async function look() {
  clearTimeout(timer);
  let page;
  try {
    const answer = await fetch(notice.dataset.load, { headers: headers() });
    if (!answer.ok || answer.redirected) return;
    page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  } catch { return; }
  const card = page.querySelector('.offer[data-said]');
  notice.hidden = !card;
  if (!card) return;
  timer = setTimeout(look, (Number(card.dataset.left) + 1) * 1000);
  if (announced.has(card.id)) return;
  announced.add(card.id);
  notice.querySelector('.offer-notice__words').textContent = card.dataset.said;
  if (!page.querySelector('#my-work[data-quiet]')) ring(card, notice);
}

on('offers.changed', look);
document.addEventListener('line:open', look);
document.addEventListener('line:caught-up', look);
