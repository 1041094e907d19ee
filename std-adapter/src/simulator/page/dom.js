// Elements, made and changed as text: nothing that a bot says is ever read as HTML.

/** An element. Of `about`, `class`, `text`, `on` (listeners) and `data` are special; the rest are attributes. */
export function el(tag, about = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(about)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'class') made.className = value;
    else if (name === 'text') made.textContent = value;
    else if (name === 'on') for (const [event, listener] of Object.entries(value)) made.addEventListener(event, listener);
    else if (name === 'data') Object.assign(made.dataset, value);
    else made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children.filter((child) => child !== undefined && child !== null));
  return made;
}

export const button = (text, click, about = {}) =>
  el('button', { type: 'button', text, on: { click }, ...about });

/** Changes a text, and leaves the element alone where it is that already. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function show(element, is_shown) {
  if (element.hidden === is_shown) element.hidden = !is_shown;
}

/** Makes the children of `parent` those of `items`, in their order, keeping what is there: focus and scroll stay. */
export function sync(parent, items, keyOf, make, update) {
  const kept = (parent.kept ??= new Map());
  const keys = new Set(items.map(keyOf));
  for (const [key, child] of kept) {
    if (keys.has(key)) continue;
    child.element.remove();
    kept.delete(key);
  }
  let place = parent.firstElementChild;
  items.forEach((item, at) => {
    const key = keyOf(item);
    let child = kept.get(key);
    if (!child) kept.set(key, (child = make(item)));
    update(child, item, at);
    if (child.element === place) place = place.nextElementSibling;
    else parent.insertBefore(child.element, place);
  });
}

const live = document.getElementById('live');
/** Tells a screen reader what happens. */
export function announce(text) {
  live.append(el('p', { text }));
  while (live.childElementCount > 20) live.firstElementChild.remove();
}

const notice = document.getElementById('notice');
let noticeEnds;
/** Shows what went wrong, for a while. */
export function complain(text) {
  clearTimeout(noticeEnds);
  notice.textContent = text;
  notice.hidden = false;
  noticeEnds = setTimeout(() => (notice.hidden = true), 10_000);
}

/** Does something that may be refused, and shows why. */
export async function attempt(doing) {
  try {
    return await doing();
  } catch (error) {
    complain(error.message);
    return undefined;
  }
}

/** Hands a file out. */
export function save(name, text, type) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  el('a', { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
