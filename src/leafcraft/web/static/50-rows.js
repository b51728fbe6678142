/* Rows that are chosen, and the small buttons beside fields. */

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

/** Puts the keyboard on a row, so that it goes on from there. */
function stand(row) {
  row.tabIndex = -1;
  row.focus();
  row.scrollIntoView({ block: "nearest" });
}

/** Follows a link to this very page, with a form opened in a row or closed: only the region around it is another. */
async function followHere(link) {
  const home = link.closest("[data-region]");
  const found = await page(link.href).catch(() => null);
  if (!found?.ok || found.moved || isBusy(home)) {
    location.assign(link.href);
    return;
  }
  history.replaceState(null, "", link.href);
  renew(found.parsed, { names: [home.dataset.region] });
  const row = document.getElementById(link.hash.slice(1));
  if (row) stand(row);
  focusFirst();
}

function onLink(event) {
  const link = event.target.closest("[data-region] a[data-here]");
  const plain = !event.button && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  if (!link || !plain || isBusy(link.closest("[data-region]"))) return;
  event.preventDefault();
  followHere(link);
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
