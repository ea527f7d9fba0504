// Reads what our own views answer into elements. The parser's document is inert: nothing in it runs or loads.

/** The elements of an answer; a <title> comes first when there is one. */
export function elementsOf(html) {
  const page = new DOMParser().parseFromString(html, 'text/html');
  return [...page.head.children, ...page.body.children].map((element) => document.adoptNode(element));
}

/** Fills a box with an answer. */
export function fill(box, html) {
  box.replaceChildren(...elementsOf(html));
}
