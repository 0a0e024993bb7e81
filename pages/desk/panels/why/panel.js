// "Why this item?": a panel beside the stage. It tells how items are chosen and this one's nearest labeled neighbours,
// and, where the project lets people know, what the model saw in it. It is no dialog: class keys answer while it is open.
import { make } from "../../base/dom.js";
import { t } from "../../base/words.js";
import { listFacts } from "../facts.js";
import { SidePanel } from "../side.js";
import { ExplanationView } from "./explanation.js";
import { drawNeighbours, drawOrigin } from "./origin.js";
/** @import { Item } from "../../base/types.js" */
/** @import { Desk } from "../../desk.js" */
/** @import { Explanation } from "./types.js" */

const WHY_POLL_MS = 300;
const WHY_RETRY_MS = 2_000;

export class WhyPanel extends SidePanel {
  /** @param {Desk} desk */
  constructor(desk) {
    super("why-panel", t("Why this item?"), "W");
    this.desk = desk;
    this.turn = 0;  // replies to earlier questions are not drawn
    /** @type {string[]} */
    this.urls = [];  // of images, to be revoked
    this.strength = 70;  // percent that the colours cover
  }

  // ------------------------------------------------------------ what the desk calls

  /** @param {Item | null} item */
  toggle(item) {
    if (this.isOpen) this.close();
    else if (item) this.open(item);
  }

  /**
   * Another item is shown, or the same one was answered.
   * @param {Item | null} item
   */
  update(item) {
    if (!this.isOpen) return;
    if (item) this.load(item);
    else this.clear();
  }

  /** @param {Item} item */
  open(item) {
    this.reveal();
    this.load(item);
  }

  clear() {
    this.turn++;
    super.clear();
    for (const url of this.urls) URL.revokeObjectURL(url);
    this.urls = [];
  }

  // ------------------------------------------------------------ asking

  /** @param {Item} item */
  load(item) {
    this.clear();
    this.item = item;
    /** @type {(name: string, title: string) => HTMLElement} */
    const section = (name, title) => {
      const place = make("section", name, this.content);
      make("h3", "", place, title);
      return make("div", "", place);
    };
    if (Object.keys(item.metadata ?? {}).length) section("why-facts-of-item", t("About this item")).append(listFacts(item.metadata));
    const strategy = section("why-strategy", t("How items are chosen"));
    const neighbours = section("why-neighbours", t("Most similar labeled items"));
    const saw = section("why-saw", t("What the model saw"));
    make("p", "why-wait", strategy, t("Loading …"));
    const explanation = new ExplanationView(this, item);
    this.ask("", (reply) => {
      if (reply.neighbours) {
        drawOrigin(strategy, reply.strategy);
        drawNeighbours(neighbours, reply.neighbours, this);
      }
      explanation.draw(saw, reply.saw, "saw");
      return reply.saw;
    });
  }

  /**
   * Ask, draw, and ask again while the reply is being computed and the panel shows the same item.
   * @param {"" | "local"} part "": all but the local explanation
   * @param {(reply: any) => Explanation} draw
   */
  async ask(part, draw) {
    const turn = this.turn;
    for (let asked = /** @type {string} */ (part); ;) {
      let wait = WHY_RETRY_MS;
      try {
        const reply = await (await this.desk.fetch(`why/${this.item.id}${asked ? `?part=${asked}` : ""}`)).json();
        if (turn !== this.turn) return;
        const explanation = draw(reply);
        if (!["queued", "running"].includes(explanation.state)) return;
        asked = part || "saw";
        wait = WHY_POLL_MS;
      } catch (error) {
        if (turn !== this.turn) return;
        if (error.fromServer) {  // else the server cannot be reached just now
          this.say(error.message);
          return;
        }
      }
      await new Promise((resolve) => setTimeout(resolve, wait));
      if (turn !== this.turn) return;
    }
  }

  /** @param {string} text */
  say(text) {
    make("p", "why-error", this.content, text).setAttribute("role", "alert");
  }

  /**
   * The address of an image, for as long as the panel shows the same item.
   * @param {string} path of the server
   */
  async image(path) {
    const turn = this.turn;
    const url = URL.createObjectURL(await (await this.desk.fetch(path)).blob());
    if (turn === this.turn) this.urls.push(url);
    else URL.revokeObjectURL(url);
    return url;
  }
}
