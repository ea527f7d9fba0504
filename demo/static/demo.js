// Asks every two seconds whether mail came for the person on screen; then fetches the list as the server renders it.
// Nothing that is being read or typed moves: an open thread only gets a banner that offers the new mail.
const rows = document.getElementById("rows");
const people = document.getElementById("people");
const news = document.getElementById("news");
const query = new URLSearchParams({ as: rows.dataset.as, name: rows.dataset.name, id: rows.dataset.open });

async function look() {
  if (document.hidden) return;
  const answer = await fetch(`/version?${query}`, { cache: "no-store" });
  if (!answer.ok) return;
  const { version, letters, people: html_of_people } = await answer.json();
  if (html_of_people !== people.dataset.seen) {
    if (people.dataset.seen !== undefined || version !== rows.dataset.version) people.innerHTML = html_of_people;
    people.dataset.seen = html_of_people;
  }
  if (version === rows.dataset.version) return;
  const list = await fetch(`/list?${query}`, { cache: "no-store" });
  if (!list.ok) return;
  const focused = rows.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  rows.innerHTML = await list.text();
  if (focused) rows.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  rows.dataset.version = version;
  news.textContent = "The list of mails has changed.";
  const banner = document.getElementById("arrived");
  const shown = document.querySelectorAll(".timeline .msg").length;
  if (banner && letters > shown) banner.hidden = false;
}

async function keepLooking() {
  try {
    await look();
  } catch {
    // The server is restarting; the next look will tell.
  }
  setTimeout(keepLooking, 2000);
}
setTimeout(keepLooking, 2000);

// One press, one mail.
for (const form of document.querySelectorAll('form[method="post"]')) {
  form.addEventListener("submit", () => {
    for (const button of form.querySelectorAll("button")) button.setAttribute("aria-busy", "true");
  });
}

// On a narrow screen the list of people starts folded; it stands above the mail there.
const fold = document.querySelector(".people-fold");
if (fold && matchMedia("(max-width: 48rem)").matches) fold.open = false;

// Back from a form by the browser's history: buttons work again.
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
});
