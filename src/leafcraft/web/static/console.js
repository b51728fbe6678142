/* What makes the console pleasant; every page works without it. Pages say what they want of it by attributes. */

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
const NOTICES = "[data-notices], .notices";

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

/* ── pages, asked for behind the scenes ── */

/** A page of ours as a document; null when it is another than the one asked for, or there is none. */
async function page(url, options = {}) {
  const answer = await fetch(url, { ...options, headers: { "x-live": "1" }, credentials: "same-origin" });
  if (!answer.headers.get("content-type")?.startsWith("text/html")) return null;
  const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
  return { parsed, ok: answer.ok, url: new URL(answer.url), moved: answer.redirected };
}

const shown = () => new URL(body.dataset.self || location.href, location.href).href;
const region = (name, root) => $(`[data-region="${CSS.escape(name)}"]`, root);

/* ── morphing: what is there becomes what should be there, and nothing typed is lost ── */

const openedByServer = new WeakSet($$("details[open]"));

function isDirty(field) {
  if (field.type === "hidden" || field.closest(".pick, [data-select-all]")) return false;
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.tagName !== "SELECT") return field.value !== field.defaultValue;
  const given = [...field.options].findLastIndex((option) => option.defaultSelected);
  return field.selectedIndex !== (given < 0 && !field.multiple && field.size < 2 ? 0 : given);
}

const isOpen = (one) =>
  one.matches("dialog[open], :popover-open") || (one.matches("details[open]") && !openedByServer.has(one));

/** Whether somebody is at work in there. */
function isBusy(element) {
  const all = [element, ...$$("*", element)];
  return (
    (element.contains(document.activeElement) && document.activeElement.matches(FIELDS)) ||
    all.some((one) => isOpen(one) || (one.matches("input, select, textarea") && isDirty(one)))
  );
}

/** What tells one of many children from its neighbours; null where only its place does. */
function keyOf(node) {
  if (node.nodeType !== Node.ELEMENT_NODE) return null;
  if (node.id || node.dataset.region) return `#${node.id || node.dataset.region}`;
  if (!node.matches(ROWS)) return null;
  if (node.dataset.row) return node.dataset.row;
  const pick = $(".pick input", node);
  return pick ? `${pick.name}=${pick.value}` : ($("a[href]", node)?.getAttribute("href") ?? null);
}

/** What a row says, and its fields as the server filled them, without what time alone changes. */
function wordsOf(element) {
  const copy = element.cloneNode(true);
  for (const time of $$("time, [data-stale]", copy)) time.remove();
  const given = [copy, ...$$("*", copy)].filter((one) => one.matches(FIELDS)).map((one) => one.getAttribute("value"));
  return [copy.textContent.replace(/\s+/g, " ").trim(), ...given].join("|");
}

class Morph {
  /** `own`: what was just submitted, and may be written over whatever stands in it. */
  constructor({ marks = false, own = null } = {}) {
    Object.assign(this, { marks, own, stale: false });
  }

  element(old, wanted) {
    if (old.isEqualNode(wanted)) return;
    if (!this.own?.contains(old) && !old.contains(this.own) && old.matches(KEPT) && isBusy(old)) {
      this.stale ||= wordsOf(old) !== wordsOf(wanted);
      return;
    }
    const before = this.marks && old.matches(ROWS) ? wordsOf(old) : null;
    this.attributes(old, wanted);
    if (old.tagName !== "TEXTAREA" || !isDirty(old)) this.children(old, wanted);
    if (before !== null && wordsOf(old) !== before) this.mark(old);
  }

  attributes(old, wanted) {
    const lasting = (name) => name === "open" || (name === "hidden" && old.matches(SCRIPTED));
    for (const { name } of [...old.attributes])
      if (!wanted.hasAttribute(name) && !lasting(name)) old.removeAttribute(name);
    for (const { name, value } of wanted.attributes)
      if (old.getAttribute(name) !== value && !lasting(name)) old.setAttribute(name, value);
  }

  children(old, wanted) {
    const left = new Set(old.childNodes);
    let next = old.firstChild;
    for (const child of [...wanted.childNodes]) {
      const key = keyOf(child);
      const found = [...left].find((one) => one.nodeName === child.nodeName && keyOf(one) === key);
      if (!found) {
        const added = document.importNode(child, true);
        old.insertBefore(added, next);
        if (this.marks && key !== null && added.matches(ROWS)) this.mark(added);
        continue;
      }
      left.delete(found);
      if (found === next) next = next.nextSibling;
      else old.insertBefore(found, next);
      if (found.nodeType === Node.ELEMENT_NODE) this.element(found, child);
      else if (found.nodeValue !== child.nodeValue) found.nodeValue = child.nodeValue;
    }
    for (const gone of left) this.remove(gone);
  }

  remove(node) {
    if (node.nodeType === Node.ELEMENT_NODE && !node.contains(this.own) && isBusy(node)) this.stale = true;
    else node.remove();
  }

  mark(row) {
    row.classList.add("fresh");
    setTimeout(() => row.classList.remove("fresh"), 2400);
  }
}

/** Brings the regions of this page up to those of another version of it; how many there were. */
function renew(parsed, { names = null, ...how } = {}) {
  const wanted = $$("[data-region]", parsed).filter((one) => !one.parentElement.closest("[data-region]"));
  let found = 0;
  for (const one of wanted) {
    const old = region(one.dataset.region, document);
    if (!old || (names && !names.includes(one.dataset.region))) continue;
    found += 1;
    const morph = new Morph(how);
    morph.element(old, one);
    const hint = $("[data-stale]", old);
    if (hint) hint.hidden = !morph.stale;
  }
  ready();
  return found;
}

/* ── live ── */

let mark = body.dataset.liveMark ?? "";
let renewing = false;
let again = false;
let restedAt = 0;

async function refresh() {
  if (renewing) {
    again = true;
    return;
  }
  renewing = true;
  const [began, url] = [performance.now(), shown()];
  try {
    const found = await page(url, { cache: "no-store" });
    if (found?.ok && !found.moved && url === shown()) {
      mark = found.parsed.body.dataset.liveMark ?? mark;
      renew(found.parsed, { marks: true });
    }
  } catch {
    again = false; // the feed tells when the service is back
  } finally {
    renewing = false;
    restedAt = performance.now() + Math.max(700, 3 * (performance.now() - began));
    if (again) soon();
    again = false;
  }
}

const soon = debounced(() => setTimeout(refresh, restedAt - performance.now()), 150);

function concerns(told) {
  return (body.dataset.live ?? "").split(/\s+/).filter(Boolean).some((token) => {
    const [kind, id] = token.split(":");
    return told.all || (id ? told[kind]?.includes(Number(id)) : told.topics?.includes(kind));
  });
}

/** Listens while the page is in sight: a browser has few connections to one host. */
function listen() {
  if (!body.dataset.live?.trim()) return;
  let source = null;
  let timer;
  const stop = () => {
    clearTimeout(timer);
    source?.close();
    source = null;
  };
  const start = () => {
    stop();
    if (document.hidden) return;
    source = new EventSource(`/console/live?since=${encodeURIComponent(mark)}`);
    source.addEventListener("changed", (event) => {
      mark = event.lastEventId || mark;
      if (concerns(JSON.parse(event.data))) soon();
    });
    source.onerror = () => {
      if (source?.readyState === EventSource.CLOSED) timer = setTimeout(start, 30_000);
    };
  };
  document.addEventListener("visibilitychange", start);
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => event.persisted && start());
  start();
}

/** Tells the server where the visitor's clock is; true when it did not know. */
function tellZone() {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const said = `leafcraft_tz=${timeZone}`;
  if (!timeZone || document.cookie.split("; ").includes(said)) return false;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${said}; path=/console; max-age=31536000; samesite=strict${secure}`;
  return document.cookie.split("; ").includes(said);
}

/* ── forms ── */

const sent = new Map();
const confirmed = new WeakSet();

function release(form) {
  for (const button of sent.get(form) ?? []) button.disabled = false;
  sent.delete(form);
}

/** Lets nobody send it twice; a form whose answer is a file stays in sight, so not for ever. */
function block(form) {
  sent.set(form, []);
  setTimeout(() => { // after the browser has read which button it was
    if (!sent.has(form)) return;
    sent.set(form, [...form.elements].filter((one) => one.type === "submit" && !one.disabled));
    for (const button of sent.get(form)) button.disabled = true;
  });
  setTimeout(release, 10_000, form);
}

function ask(question, form, submitter) {
  const yes = make("button", { class: "button primary", value: "yes" }, submitter?.textContent.trim() || "Continue");
  const no = make("button", { class: "button", value: "" }, "Go back");
  const buttons = make("form", { method: "dialog", class: "row" }, no, yes);
  const dialog = make("dialog", { class: "dialog ask", "aria-label": "Are you sure?" }, make("p", {}, question), buttons);
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (dialog.returnValue !== "yes") return;
    confirmed.add(form);
    form.requestSubmit(submitter);
  });
  body.append(dialog);
  dialog.showModal();
}

function onSubmit(event) {
  const { target: form, submitter } = event;
  if (event.defaultPrevented || form.getAttribute("method")?.toLowerCase() !== "post") return;
  const question = submitter?.dataset.confirm ?? form.dataset.confirm;
  if (sent.has(form)) event.preventDefault();
  else if (question && !confirmed.has(form)) {
    event.preventDefault();
    ask(question, form, submitter);
  } else {
    confirmed.delete(form);
    const data = new FormData(form, submitter);
    block(form);
    if ("inline" in form.dataset) {
      event.preventDefault();
      submitInline(form, submitter, data).finally(() => release(form));
    }
  }
}

async function submitInline(form, submitter, data) {
  const address = submitter?.getAttribute("formaction") ?? form.getAttribute("action");
  const sending = form.enctype === "multipart/form-data" ? data : new URLSearchParams(data);
  const found = await page(address, { method: "POST", body: sending }).catch(() => null);
  if (!found) return notice("The service could not be reached. What you typed is still here: try again.");
  const home = form.closest("[data-region]")?.dataset.region;
  const elsewhere = found.url.pathname !== location.pathname && found.url.href !== shown();
  if (elsewhere && (found.ok || found.moved)) return leave(found);
  if (!found.ok) {
    if (!home || !renew(found.parsed, { names: [home], own: form })) notice($("h1, title", found.parsed)?.textContent);
    $(".problem, [aria-invalid=true]", region(home ?? "", document) ?? body)?.focus();
    return undefined;
  }
  form.reset();
  form.closest(":popover-open")?.hidePopover();
  renew(found.parsed, { own: form, marks: true });
  return notice(...($(NOTICES, found.parsed)?.childNodes ?? []));
}

/** Goes to a page that was fetched already: what it said it says once, so it is told there again. */
function leave({ parsed, url }) {
  sessionStorage.setItem(SAID, $(NOTICES, parsed)?.textContent.trim() ?? "");
  location.assign(url);
}

function tellAgain() {
  const said = sessionStorage.getItem(SAID);
  sessionStorage.removeItem(SAID);
  if (said) notice(make("p", { class: "notice" }, make("span"), make("span", {}, said)));
}

const notice = (...said) => $(NOTICES)?.replaceChildren(...said.filter(Boolean));

let searching = new AbortController();

async function search(form) {
  searching.abort();
  searching = new AbortController();
  const url = new URL(form.getAttribute("action"), location);
  url.search = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
  const found = await page(url, { signal: searching.signal }).catch(() => null);
  if (!found?.ok || found.moved) return;
  history.replaceState(null, "", url);
  renew(found.parsed, { names: form.dataset.target.split(/\s+/) });
}

const searchSoon = debounced(search, 200);

/* ── rows chosen, steps of a quantity ── */

function countChosen() {
  const picks = $$(PICKS);
  const chosen = picks.filter((one) => one.checked).length;
  for (const one of $$("[data-chosen-count]")) one.textContent = chosen;
  for (const one of $$("[data-chosen-bar]")) one.hidden = !chosen;
  for (const one of $$("[data-select-all]")) {
    one.checked = chosen > 0 && chosen === picks.length;
    one.indeterminate = chosen > 0 && chosen < picks.length;
  }
}

function chooseAll(all) {
  for (const one of $$(PICKS, all.closest("table") ?? document)) if (!one.disabled) one.checked = all.checked;
}

function step(button) {
  const input = $("input", button.parentElement);
  if (button.dataset.step < 0) input.stepDown();
  else input.stepUp();
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

async function copy(button) {
  const input = document.getElementById(button.dataset.copy);
  input.select();
  await navigator.clipboard?.writeText(input.value).catch(() => null);
  if (!navigator.clipboard) document.execCommand("copy"); // a plain connection has nothing better
  $("span", button).textContent = "Copied";
}

/** The field that a page is about, where no keyboard on the screen would take the room. */
function focusFirst() {
  const field = $("[data-focus] input");
  if (!field || !matchMedia("(pointer: fine)").matches || document.activeElement?.matches(FIELDS)) return;
  field.focus({ preventScroll: true });
  field.select();
}

function ready() {
  for (const one of $$(SCRIPTED)) one.hidden = false;
  countChosen();
}

/* ── the palette: a combobox over commands and what the server finds ── */

class Palette {
  constructor(dialog) {
    this.dialog = dialog;
    this.input = $("[data-palette-input]", dialog) ?? make("input", { type: "search", placeholder: "Search, or go to…", "aria-label": "Search and commands" });
    this.list = $("[data-palette-list]", dialog) ?? make("ul", { "aria-label": "Found" });
    if (!this.input.isConnected) dialog.append(this.input, this.list);
    this.list.id ||= "palette-list";
    this.list.role = "listbox";
    for (const [name, value] of Object.entries({ role: "combobox", autocomplete: "off", "aria-autocomplete": "list", "aria-expanded": "true", "aria-controls": this.list.id }))
      this.input.setAttribute(name, value);
    this.find = debounced(() => this.ask(), 120);
    this.input.addEventListener("input", () => this.show([], this.find()));
    this.input.addEventListener("keydown", (event) => this.onKey(event));
    this.list.addEventListener("click", (event) => this.choose(event));
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }

  open() {
    if (this.dialog.open) return;
    this.input.value = "";
    this.dialog.showModal();
    this.input.focus();
    this.show([]);
  }

  /** Links and buttons of this page that are commands, by the words typed. */
  commands() {
    const words = this.input.value.toLowerCase().split(/\s+/);
    return $$(".nav a[href], [data-command]").filter((one) => words.every((word) => this.nameOf(one).toLowerCase().includes(word)));
  }

  nameOf = (one) => one.dataset.command || one.textContent.trim();

  async ask() {
    const asked = this.input.value.trim();
    const found = asked ? await page(`/console/find?q=${encodeURIComponent(asked)}`).catch(() => null) : null;
    if (asked === this.input.value.trim()) this.show(found?.ok && !found.moved ? $$("li", found.parsed) : []);
  }

  show(found) {
    const commands = this.commands().map((one) => {
      const option = one.matches("a") ? make("a", { href: one.href }) : make("span");
      option.append(this.nameOf(one));
      const item = make("li", {}, option);
      item.command = one.matches("a") ? null : one;
      return item;
    });
    this.list.replaceChildren(...commands, ...found.map((one) => document.importNode(one, true)));
    this.options = $$("li", this.list).filter((one) => one.command || $("a[href]", one));
    for (const item of this.list.children) item.role = this.options.includes(item) ? "option" : "presentation";
    this.options.forEach((one, place) => (one.id = `palette-${place}`));
    for (const link of $$("a", this.list)) link.tabIndex = -1;
    this.select(0);
  }

  select(place) {
    this.at = this.options.length ? (place + this.options.length) % this.options.length : -1;
    this.options.forEach((one, other) => one.setAttribute("aria-selected", other === this.at));
    this.input.setAttribute("aria-activedescendant", this.options[this.at]?.id ?? "");
    this.options[this.at]?.scrollIntoView({ block: "nearest" });
  }

  onKey(event) {
    const moves = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in moves) this.select(this.at + moves[event.key]);
    else if (event.key === "Enter") this.options[this.at]?.click();
    else return;
    event.preventDefault();
  }

  choose(event) {
    const item = event.target.closest("[role=option]");
    if (!item) return;
    if (!event.target.closest("a")) $("a[href]", item)?.click();
    if (item.command || !(event.ctrlKey || event.metaKey)) this.dialog.close();
    item.command?.click();
  }
}

/* ── keys ── */

let goingUntil = 0;

function moveRow(by) {
  const rows = $$("[data-row]");
  const at = rows.indexOf(document.activeElement?.closest("[data-row]"));
  const row = rows[Math.min(Math.max(at < 0 && by < 0 ? rows.length - 1 : at + by, 0), rows.length - 1)];
  if (!row) return;
  row.tabIndex = -1;
  row.focus();
  row.scrollIntoView({ block: "nearest" });
}

const KEYS = {
  "/": () => ($("[data-search]") ?? $("form[role=search] input[type=search]"))?.select(),
  "?": () => $("dialog#keys")?.showModal(),
  j: () => moveRow(1),
  k: () => moveRow(-1),
};

function onKey(event) {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key === "k" && palette) {
    event.preventDefault();
    palette.open();
    return;
  }
  const typing = event.target.closest?.(`${FIELDS}, [contenteditable]`) || $("dialog[open], :popover-open");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const going = performance.now() < goingUntil;
  goingUntil = event.key === "g" ? performance.now() + 1500 : 0;
  if (event.key === "Enter" && event.target.matches("[data-row]")) $("[data-open], a[href]", event.target)?.click();
  else if (going && /^[a-z]$/.test(event.key)) $(`[data-key="${event.key}"]`)?.click();
  else if (event.key in KEYS) {
    event.preventDefault();
    KEYS[event.key]();
  }
}

/* ── all together ── */

const palette = $("dialog#palette") && new Palette($("dialog#palette"));

document.addEventListener("submit", onSubmit);
document.addEventListener("keydown", onKey);
document.addEventListener("input", ({ target }) => {
  if (target.form && "instant" in target.form.dataset) searchSoon(target.form);
});
document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-select-all]")) chooseAll(target);
  if (target.type === "checkbox") countChosen();
});
document.addEventListener("click", ({ target }) => {
  if (target.closest("[data-palette]")) palette?.open();
  if (target.closest("[data-step]")) step(target.closest("[data-step]"));
  if (target.closest("[data-print]")) print();
  if (target.closest("[data-copy]")) copy(target.closest("[data-copy]"));
  for (const menu of $$("details.menu[open]")) if (!menu.contains(target)) menu.open = false;
});
addEventListener("pageshow", () => {
  for (const form of [...sent.keys()]) release(form);
});
ready();
tellAgain();
// The browser goes to the address's row once all is there, and takes the focus away.
addEventListener("load", () => setTimeout(focusFirst));
if (tellZone()) soon();
listen();
