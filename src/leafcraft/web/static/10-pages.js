/* What makes the console pleasant; every page works without it. Pages say what they want of it by attributes.
   The browser gets these files as one, in the order of their names, so what one declares the next ones use. */

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const { body } = document;

const FIELDS = "input:not([type=checkbox], [type=radio], [type=hidden]), select, textarea";
const PICKS = "tbody input[type=checkbox]";
const ROWS = "tr, li, [data-row]";
const KEPT = `${ROWS}, form, details, dialog, [popover], input, select, textarea`;
const SAID = "leafcraft-said";
/* Buttons that do nothing without this script, and so are hidden until it is here. */
const SCRIPTED = "[data-step], [data-palette], [data-copy], [data-print]";
const NOTICES = ".notices";

/** Calls `then` once nobody has called for `ms`. */
function debounced(then, ms) {
  let timer;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(then, ms, ...given);
  };
}

function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A page of ours as a document; null when it is another than the one asked for, or there is none. */
async function page(url, options = {}) {
  const answer = await fetch(url, { ...options, headers: { "x-live": "1" }, credentials: "same-origin" });
  if (!answer.headers.get("content-type")?.startsWith("text/html")) return null;
  const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
  return { parsed, ok: answer.ok, status: answer.status, url: new URL(answer.url), moved: answer.redirected };
}

const shown = () => location.href;
const region = (name, root) => $(`[data-region="${CSS.escape(name)}"]`, root);
