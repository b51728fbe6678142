/* Keys, and what listens to what happens on a page. */

let goingUntil = 0;

function moveRow(by) {
  const rows = $$("[data-row]");
  const at = rows.indexOf(document.activeElement?.closest("[data-row]"));
  const row = rows[Math.min(Math.max(at < 0 && by < 0 ? rows.length - 1 : at + by, 0), rows.length - 1)];
  if (row) stand(row);
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
  const typing = event.target.closest?.(FIELDS) || $("dialog[open], :popover-open");
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

const palette = $("dialog#palette") && new Palette($("dialog#palette"));

document.addEventListener("submit", onSubmit);
document.addEventListener("keydown", onKey);
document.addEventListener("input", ({ target }) => {
  const part = target.closest("[data-instant]");
  if (part) searchSoon(part);
});
document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-select-all]")) chooseAll(target);
  if (target.type === "checkbox") countChosen();
});
document.addEventListener("click", onLink);
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
