// "Why this item?": a panel beside the stage. It tells what the item was asked for and its nearest labeled neighbours,
// and, where the project lets people know, what the model saw in it. It is no dialog: class keys answer while it is open.
const WHY_POLL_MS = 300;
const WHY_RETRY_MS = 2_000;
const WHY_OWN_KEYS = ["arrowup", "arrowdown", "arrowleft", "arrowright", "pageup", "pagedown", "home", "end", " ", "enter"];

class WhyPanel {
  constructor(desk) {
    this.desk = desk;
    this.isOpen = false;
    this.turn = 0;  // replies to earlier questions are not drawn
    this.strength = 70;  // percent that the colours cover
    this.element = make("aside", "why-panel");
    this.element.hidden = true;
    this.element.tabIndex = -1;
    this.element.setAttribute("aria-label", t("Why this item?"));
    const body = make("div", "why-body", this.element);
    const head = make("div", "why-head", body);
    make("h2", "", head, t("Why this item?"));
    makeButton("why-close", head, { key: "W", text: t("Close"), run: () => this.close() });
    this.content = make("div", "why-content", body);
  }

  // ------------------------------------------------------------ what the desk calls

  toggle(item) {
    if (this.isOpen) this.close();
    else if (item) this.open(item);
  }

  // Another item is shown, or the same one was answered.
  update(item) {
    if (!this.isOpen) return;
    if (item) this.load(item);
    else this.clear();
  }

  // True if the panel took the key.
  key(event) {
    if (!this.isOpen || event.key !== "Escape") return false;
    this.close();
    return true;
  }

  // Keys that belong to what has the focus in the panel: they scroll it, move its slider, press its buttons.
  holds(event) {
    return this.isOpen && event.composedPath().includes(this.element) && WHY_OWN_KEYS.includes(event.key.toLowerCase());
  }

  destroy() {
    this.isOpen = false;
    this.clear();
    this.element.remove();
  }

  // ------------------------------------------------------------ open, close

  open(item) {
    this.isOpen = true;
    this.before = this.element.getRootNode().activeElement;
    this.element.hidden = false;
    this.load(item);
    this.element.focus({ preventScroll: true });
  }

  close() {
    const inside = this.element.contains(this.element.getRootNode().activeElement);
    this.isOpen = false;
    this.element.hidden = true;
    this.clear();
    if (inside && this.before?.isConnected) this.before.focus({ preventScroll: true });
  }

  clear() {
    this.turn++;
    this.content.replaceChildren();
    for (const url of this.urls ?? []) URL.revokeObjectURL(url);
    this.urls = [];
  }

  // ------------------------------------------------------------ asking

  load(item) {
    this.clear();
    this.item = item;
    this.picture = null;
    const section = (name, title) => {
      const place = make("section", name, this.content);
      make("h3", "", place, title);
      return make("div", "", place);
    };
    const strategy = section("why-strategy", t("How it was chosen"));
    const neighbours = section("why-neighbours", t("Most like it among what is labeled"));
    const saw = section("why-saw", t("What the model saw"));
    make("p", "why-wait", strategy, t("Looking it up …"));
    this.ask("", (reply) => {
      if (reply.neighbours) {
        this.drawStrategy(strategy, reply.strategy);
        this.drawNeighbours(neighbours, reply.neighbours);
      }
      this.drawExplanation(saw, reply.saw, "saw");
      return reply.saw;
    });
  }

  // Ask, draw, and ask again while the answer is being computed and the panel shows the same item.
  async ask(part, draw) {
    const turn = this.turn;
    for (let asked = part; ;) {
      let wait = WHY_RETRY_MS;
      try {
        const reply = await (await this.desk.fetch(`why/${this.item.id}${asked ? `?part=${asked}` : ""}`)).json();
        if (turn !== this.turn) return;
        const found = draw(reply);
        if (!["queued", "running"].includes(found.state)) return;
        asked = part || "saw";
        wait = WHY_POLL_MS;
      } catch (error) {
        if (turn !== this.turn) return;
        if (error.said) return void this.say(error.message);  // else the server cannot be reached just now
      }
      await new Promise((resolve) => setTimeout(resolve, wait));
      if (turn !== this.turn) return;
    }
  }

  say(text) {
    make("p", "why-error", this.content, text).setAttribute("role", "alert");
  }

  async image(path) {
    const turn = this.turn;
    const url = URL.createObjectURL(await (await this.desk.fetch(path)).blob());
    if (turn === this.turn) this.urls.push(url);
    else URL.revokeObjectURL(url);
    return url;
  }

  // ------------------------------------------------------------ drawing

  drawStrategy(place, found) {
    place.replaceChildren();
    if (!found) {
      make("p", "", place, t("It is not in a ranking: it was there when nothing else was to be asked."));
      return;
    }
    const said = make("p", "", place);
    make("strong", "", said, found.name);
    said.append(found.family ? ` (${found.family})` : "");
    if (found.summary) make("p", "", place, found.summary);
    const facts = make("dl", "why-facts", place);
    const fact = (name, value) => {
      if (value === null || value === undefined) return;
      const pair = make("div", "", facts);
      make("dt", "", pair, name);
      make("dd", "", pair, String(value));
    };
    fact(t("Round"), found.round || t("before the first one"));
    fact(t("Place in its ranking"), found.rank);
    fact(t("Score"), found.score === null ? null : Number(found.score.toPrecision(3)));
    fact(t("Model"), found.model?.replace(/^.*\//, "").replace(/\.safetensors$/, ""));
  }

  drawNeighbours(place, found) {
    place.replaceChildren();
    if (found.hidden) return void make("p", "why-hidden", place, whyHidden(found.hidden));
    if (!found.items.length) {
      make("p", "why-hidden", place, t("There is nothing yet that you have labeled or that came with a label."));
      return;
    }
    const list = make("ul", "why-list", place);
    for (const one of found.items) {
      const row = make("li", "", list);
      if (one.media) {
        const picture = make("img", "why-thumbnail", row);
        picture.alt = "";
        this.image(`media/${one.id}`).then((url) => { picture.src = url; }, () => picture.remove());
      }
      const about = make("div", "", row);
      make("strong", "why-label", about, this.desk.said(one.label));
      make("span", "why-similarity", about, t("similarity {n}", { n: one.similarity.toFixed(2) }));
      if (one.text) make("p", "why-beginning", about, one.text).dir = "auto";
    }
  }

  drawExplanation(place, found, kind) {
    if (found.state === place.dataset.state) return;  // as it was
    place.dataset.state = found.state;
    place.replaceChildren();
    if (found.state === "hidden") return void make("p", "why-hidden", place, whyHidden(found.hidden));
    if (found.state === "failed") {
      make("p", "why-error", place, found.error);
    } else if (found.state === "done") {
      this.drawClasses(place, found.result);
      if (kind === "saw") make("p", "why-caution", place, t("What is marked moved the score: it is evidence, not a cause."));
      else this.drawFit(place, found.result);
    } else {
      make("p", "why-wait", place, t("Looking into the model …")).setAttribute("role", "status");
    }
    if (kind === "saw" && ["done", "failed"].includes(found.state)) this.offerLocal(place);
  }

  drawClasses(place, result) {
    const row = make("div", result.spans ? "why-texts" : "why-pictures", place);
    for (const one of result.classes) {
      const figure = make("figure", "", row);
      if (result.spans) this.drawText(figure, result.spans, one.weights);
      else this.drawMap(figure, one);
      const caption = make("figcaption", "", figure);
      make("strong", "", caption, one.name);
      caption.append(` ${(100 * one.probability).toFixed(0)} %`);
    }
    const legend = make("p", "why-legend", place);
    make("span", "why-for", legend, t("speaks for the class"));
    make("span", "why-against", legend, t("speaks against it"));
    if (!result.spans) this.drawSlider(place);
  }

  drawText(figure, spans, weights) {
    const letters = Array.from(this.item.text);  // the server counts characters, JavaScript halves of them
    const text = make("p", "why-text", figure);
    text.dir = "auto";
    let end = 0;
    spans.forEach(([start, stop], index) => {
      text.append(letters.slice(end, start).join(""));
      const weight = weights[index];
      const word = make("span", weight < 0 ? "why-against" : "why-for", text, letters.slice(start, stop).join(""));
      word.style.setProperty("--weight", Math.abs(weight).toFixed(3));
      end = stop;
    });
    text.append(letters.slice(end).join(""));
  }

  drawMap(figure, one) {
    const frame = make("div", "why-frame", figure);
    const picture = make("img", "why-picture", frame);
    picture.alt = "";
    this.picture ??= this.image(`media/${this.item.id}`);
    this.picture.then((url) => { picture.src = url; }, () => picture.remove());
    const map = make("img", "why-map", frame);
    map.alt = t("Where the image speaks for and against {name}", { name: one.name });
    map.src = one.map;
    this.content.style.setProperty("--strength", this.strength / 100);
  }

  drawSlider(place) {
    const label = make("label", "why-slider", place, t("Strength of the colours"));
    const slider = make("input", "", label);
    Object.assign(slider, { type: "range", min: 0, max: 100, value: this.strength });
    slider.addEventListener("input", () => {
      this.strength = Number(slider.value);
      this.content.style.setProperty("--strength", this.strength / 100);
    });
  }

  offerLocal(place) {
    const local = make("div", "why-local", place);
    const button = makeButton("why-ask", local, { text: t("Explain by hiding parts"), run: () => {
      button.remove();
      make("h3", "", local, t("By hiding parts"));
      const body = make("div", "", local);
      this.ask("local", (reply) => {
        this.drawExplanation(body, reply.local, "local");
        return reply.local;
      });
    } });
    button.title = t("Parts of the item are hidden at random, to see what each does to the answer (LIME).");
  }

  drawFit(place, result) {
    const fit = Math.max(0, result.fit[0]);
    make("p", "why-caution", place, t("Parts were hidden at random; adding up what each does tells {n} % of how the first class's probability changed. It holds near this item only, and is evidence, not a cause.", { n: Math.round(100 * fit) }));
  }
}

function whyHidden(reason) {
  switch (reason) {
    case "holdout": return t("This item measures the model, so it is answered without knowing anything of the model's.");
    case "never": return t("This project keeps the model's opinion to itself, so that nobody is led by it.");
    case "after": return t("This is shown once you have answered the item.");
    default: return t("There is no model yet: it comes with the first round that has labels of two classes.");
  }
}
