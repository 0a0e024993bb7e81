// The guidelines with the classes' descriptions and example images, and the desk's keys: one key away, and shown
// once to whoever has not seen them as they are now.
class Guide {
  constructor(desk) {
    this.desk = desk;
  }

  get isNew() {
    const { digest, seen } = this.desk.data.guidelines;
    return Boolean(digest) && digest !== seen;
  }

  async open() {
    this.desk.data.guidelines.seen = this.desk.data.guidelines.digest;
    const dialog = this.desk.dialog("guide", t("Guidelines"));
    const body = make("div", "guide-body", dialog);
    const button = makeButton("action", dialog, { key: "Esc", text: t("Back to work"), run: () => dialog.close() });
    button.autofocus = true;
    button.focus();
    try {
      const guidelines = await (await this.desk.fetch("guidelines")).json();
      if (!dialog.isConnected) return;
      const text = make("div", "guide-text", body);
      text.innerHTML = guidelines.html;  // rendered by the server from Markdown, in which HTML stays text
      for (const image of text.querySelectorAll("img[data-src]")) this.fill(image, image.dataset.src);
      this.classes(body, guidelines.examples);
    } catch (error) {
      make("p", "", body, error.message);
    }
    this.keys(body);
  }

  classes(body, examples) {
    const told = this.desk.data.classes.filter((one) => one.description || examples[one.name]);
    if (!told.length) return;
    make("h3", "", body, t("Classes"));
    for (const one of told) {
      const part = make("section", "guide-class", body);
      const title = make("h4", "", part, one.name);
      if (one.colour) title.style.setProperty("--colour", one.colour);
      if (one.description) make("p", "", part, one.description);
      const strip = make("div", "examples", part);
      for (const path of examples[one.name] ?? []) {
        const image = make("img", "", strip);
        image.alt = t("An example of {name}", { name: one.name });
        this.fill(image, path.split("/").map(encodeURIComponent).join("/"));
      }
    }
  }

  keys(body) {
    make("h3", "", body, t("Keys"));
    const list = make("dl", "keys", body);
    const said = [
      ["1 2 3 …", t("the classes")], ["U", t("undo, several times if need be")], ["S", t("skip: somebody else may answer")],
      ["N", t("not sure: the answer counts, and is looked at again")], ["F", t("flag with a note: for the project lead")],
      ["W", t("why this item?")], ["G", t("guidelines")], ["/", t("search the classes")],
    ];
    if (this.desk.several) said.push(["Enter", t("confirm the chosen classes")]);
    for (const [key, text] of said) {
      make("kbd", "", make("dt", "", list), key);
      make("dd", "", list, text);
    }
  }

  async fill(image, path) {
    try {
      const reply = await this.desk.fetch(`guidelines/${path}`);
      image.src = URL.createObjectURL(await reply.blob());
      image.addEventListener("load", () => URL.revokeObjectURL(image.src), { once: true });
    } catch (error) {
      image.replaceWith(make("span", "missing", null, error.message));
    }
  }
}
