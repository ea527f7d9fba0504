// "Test connection" without leaving the form, so that nothing typed is lost. Without this script the button opens a page.
import { fill } from './fragments.js';

const box = document.getElementById('connection-test');
const button = box?.querySelector('button[formaction]');
const result = box?.querySelector('.mailbox-test__result');

button?.addEventListener('click', async (event) => {
  event.preventDefault();
  if (button.getAttribute('aria-busy') === 'true') return;
  button.setAttribute('aria-busy', 'true');
  result.textContent = button.dataset.busy;
  try {
    const answer = await fetch(button.formAction, {
      method: 'POST',
      body: new FormData(button.form),
      headers: { 'X-Requested-With': 'fetch' },
      redirect: 'manual',
    });
    if (answer.type === 'opaqueredirect') {
      button.form.requestSubmit(button);
      return;
    }
    if (answer.ok) fill(result, await answer.text());
    else result.textContent = button.dataset.failed;
  } catch {
    result.textContent = button.dataset.failed;
  } finally {
    button.removeAttribute('aria-busy');
  }
});
