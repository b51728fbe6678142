/* Forms: sent once, asked about where that matters, and answered in their place. */

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
  const kind = submitter?.classList.contains("danger") ? "danger" : "primary";
  const yes = make("button", { class: `button ${kind}`, value: "yes" }, submitter?.textContent.trim() || "Continue");
  const no = make("button", { class: "button", value: "" }, "Go back");
  const buttons = make("form", { method: "dialog", class: "ends" }, no, yes);
  const inside = make("div", { class: "inside" }, make("p", {}, question), buttons);
  const dialog = make("dialog", { class: "dialog", "aria-label": "Are you sure?" }, inside);
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
    searching.abort();
    block(form);
    if ("inline" in form.dataset) {
      event.preventDefault();
      submitInline(form, submitter, data).finally(() => release(form));
    }
  }
}

async function submitInline(form, submitter, data) {
  const sending = { method: "POST", body: new URLSearchParams(data) };
  const found = await page(form.getAttribute("action"), sending).catch(() => null);
  if (!found) return notice("The service could not be reached. What you typed is still here: try again.");
  if (found.status === 401) return sendPlainly(form, submitter);
  const home = form.closest("[data-region]")?.dataset.region;
  const elsewhere = found.url.pathname !== location.pathname && found.url.href !== shown();
  if (elsewhere && (found.ok || found.moved)) return leave(found);
  if (!found.ok) {
    refused.add(form);
    if (!home || !renew(found.parsed, { names: [home], own: form })) notice($("h1, title", found.parsed)?.textContent);
    $(".problem, [aria-invalid=true]", region(home ?? "", document) ?? body)?.focus();
    return undefined;
  }
  refused.delete(form);
  if (found.moved) history.replaceState(null, "", found.url);
  const [putBack, row] = [typedSince(form, data), form.closest("tr")?.previousElementSibling];
  form.reset();
  renew(found.parsed, { own: form, marks: true });
  putBack();
  if (row?.isConnected && !form.isConnected) stand(row);
  return notice(...($(NOTICES, found.parsed)?.childNodes ?? []));
}

/** Whose session has ended is asked to sign in by a page of its own, which brings along what was typed. */
function sendPlainly(form, submitter) {
  release(form);
  confirmed.add(form);
  delete form.dataset.inline;
  form.requestSubmit(submitter);
}

/** What somebody has typed while a form was under way; it is put back by what this gives. */
function typedSince(form, data) {
  const typed = $$(FIELDS, form)
    .filter((one) => typeof data.get(one.name) === "string" && one.value !== data.get(one.name))
    .map((one) => [one.name, one.value]);
  return () => {
    for (const [name, value] of typed) {
      const field = form.elements[name];
      if (field?.matches?.(FIELDS)) field.value = value;
    }
  };
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

/** Shows what a form, or a part of one, would find as it stands; of a form that is posted nothing is done by that. */
async function search(part) {
  const form = part.closest("form");
  if (sent.has(form)) return;
  searching.abort();
  searching = new AbortController();
  const url = new URL(form.getAttribute("action"), location);
  const filled = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
  const posted = form.getAttribute("method") === "post";
  if (!posted) url.search = filled;
  const how = posted ? { method: "POST", body: filled } : {};
  const found = await page(url, { ...how, signal: searching.signal }).catch(() => null);
  if (!found?.ok || found.moved) return;
  if (!posted) history.replaceState(null, "", url);
  renew(found.parsed, { names: part.dataset.target.split(/\s+/), own: posted ? part : null });
}

const searchSoon = debounced(search, 200);
