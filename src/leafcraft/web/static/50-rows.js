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
