/* The palette: a combobox over the console's places and what the server finds. */

class Palette {
  constructor(dialog) {
    this.dialog = dialog;
    this.input = make("input", { type: "search", placeholder: "Search, or go to…", "aria-label": "Search, or go to a page" });
    this.list = make("ul", { id: "palette-list", role: "listbox", "aria-label": "Found" });
    dialog.append(this.input, this.list);
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

  /** The links of the navigation, by the words typed. */
  places() {
    const words = this.input.value.toLowerCase().split(/\s+/);
    return $$(".nav a[href]").filter((one) => words.every((word) => one.textContent.toLowerCase().includes(word)));
  }

  async ask() {
    const asked = this.input.value.trim();
    const found = asked ? await page(`/console/find?q=${encodeURIComponent(asked)}`).catch(() => null) : null;
    if (asked === this.input.value.trim()) this.show(found?.ok && !found.moved ? $$("li", found.parsed) : []);
  }

  show(found) {
    const places = this.places().map((one) => make("li", {}, make("a", { href: one.href }, one.textContent.trim())));
    this.list.replaceChildren(...places, ...found.map((one) => document.importNode(one, true)));
    this.options = $$("li", this.list).filter((one) => $("a[href]", one));
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
    if (!(event.ctrlKey || event.metaKey)) this.dialog.close();
  }
}
