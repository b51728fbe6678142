/* Morphing: what is there becomes what should be there, and nothing typed is lost. */

const openedByServer = new WeakSet($$("details[open]"));
/* Forms that came back with a problem: what is in them was typed, though the server sent it last. */
const refused = new WeakSet();

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
    all.some((one) => isOpen(one) || refused.has(one) || (one.matches("input, select, textarea") && isDirty(one)))
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
  const plain = element.cloneNode(true);
  for (const time of $$("time", plain)) time.remove();
  const given = [plain, ...$$("*", plain)].filter((one) => one.matches(FIELDS)).map((one) => one.getAttribute("value"));
  return [plain.textContent.replace(/\s+/g, " ").trim(), ...given].join("|");
}

class Morph {
  /** `own`: what was just submitted, and may be written over whatever stands in it. */
  constructor({ marks = false, own = null } = {}) {
    Object.assign(this, { marks, own });
  }

  element(old, wanted) {
    if (old.isEqualNode(wanted)) return;
    if (!this.own?.contains(old) && !old.contains(this.own) && old.matches(KEPT) && isBusy(old)) return;
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
    const kept = node.nodeType === Node.ELEMENT_NODE && !node.contains(this.own) && isBusy(node);
    if (!kept) node.remove();
  }

  mark(row) {
    row.classList.add("fresh");
    setTimeout(() => row.classList.remove("fresh"), 2400);
  }
}

/** Brings the regions of this page up to those of another version of it; how many there were. */
function renew(parsed, { names = null, ...how } = {}) {
  const wanted = $$("[data-region]", parsed).filter((one) =>
    names ? names.includes(one.dataset.region) : !one.parentElement.closest("[data-region]"),
  );
  let found = 0;
  for (const one of wanted) {
    const old = region(one.dataset.region, document);
    if (!old) continue;
    found += 1;
    new Morph(how).element(old, one);
  }
  ready();
  return found;
}
