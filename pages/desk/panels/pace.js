// How far things are, and how fast: mine, the round's, the project's.
import { make } from "../base/dom.js";
import { t } from "../base/words.js";
/** @import { Progress } from "../base/types.js" */

const RECENT = 20;         // answers that the pace is measured on
const UNTIL_STEP = 5;      // labels by which the server counts down to the next round
const PAUSE_SECONDS = 60;  // a longer one is a pause, not work

export class Pace {
  /** @param {Element} parent */
  constructor(parent) {
    this.element = make("div", "progress", parent);
    this.bar = make("progress", "", this.element);
    this.bar.setAttribute("aria-label", t("Pool labels until the next round"));
    this.counts = make("span", "counts", this.element);
    this.speed = make("span", "speed", this.element);
    this.still = make("span", "still", this.element);
    this.status = make("span", "status", this.element);
    this.status.setAttribute("role", "status");
    /** @type {number[]} */
    this.times = [];  // of the latest answers, milliseconds
    /** @type {number | null} */
    this.until = -1;        // pool labels until the next round, as heard last
    this.mineThen = 0;      // own labels when that number changed last
  }

  /** @param {number} at milliseconds */
  answered(at) {
    this.times = [...this.times, at].slice(-RECENT - 1);
  }

  // Items a minute over the latest answers; null while there are too few to say.
  get perMinute() {
    const gaps = this.times.slice(1).map((at, i) => (at - this.times[i]) / 1000).filter((gap) => gap < PAUSE_SECONDS);
    const seconds = gaps.reduce((sum, gap) => sum + gap, 0);
    return gaps.length < 4 || !seconds ? null : (60 * gaps.length) / seconds;
  }

  /** @param {Progress} [progress] */
  show(progress) {
    if (!progress) return;
    const missing = progress.until_round;
    this.bar.max = progress.batch;
    this.bar.value = Math.max(0, progress.batch - (missing ?? 0));
    if (missing !== this.until) {
      this.until = missing;
      this.mineThen = progress.mine;
    }
    const all = t("{n} of {budget} answers", { n: progress.spent, budget: progress.budget });
    const counts = [t("{n} by you", { n: progress.mine }), nextRound(missing), all];
    this.counts.textContent = counts.filter(Boolean).join(" · ");
    this.still.textContent = missing && progress.mine - this.mineThen > UNTIL_STEP
      ? t("Answers that measure the model, and second answers to the same item, do not count towards the next round.") : "";
    const pace = this.perMinute;
    if (!pace) {
      this.speed.textContent = "";
      return;
    }
    const left = (missing ?? 0) / (pace * Math.max(1, progress.labelers));
    this.speed.textContent = t("{n} a minute", { n: Math.round(pace) })
      + (missing ? ` · ${t("about {n} min to the next round", { n: Math.max(1, Math.round(left)) })}` : "");
  }

  /**
   * @param {number} waiting answers that the server has not acknowledged
   * @param {boolean} offline whether the server could not be reached, or did not take them
   * @param {boolean} [refused] whether it did not take them
   */
  unsent(waiting, offline, refused) {
    this.status.textContent = waiting && offline && refused
      ? t("The server does not take answers now. Answers that are kept in this browser and will be sent: {n}", { n: waiting })
      : waiting && offline
      ? t("The server cannot be reached. Answers that are kept in this browser and will be sent: {n}", { n: waiting })
      : waiting ? t("Saving …") : t("All answers saved");
    this.status.classList.toggle("offline", Boolean(waiting && offline));
  }
}

/** @param {number | null} missing pool labels that the next round waits for; null: there is no next one */
function nextRound(missing) {
  if (missing === null) return "";
  return missing ? t("{n} to the next round", { n: missing }) : t("the next round is training");
}
