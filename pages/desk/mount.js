// Where Streamlit mounts the desk.
import { speak } from "./base/words.js";
import { Desk } from "./desk.js";
/** @import { DeskData } from "./base/types.js" */

/** @type {WeakMap<Element, Desk>} */
const desks = new WeakMap();
/** @type {(keyof DeskData)[]} */
const IDENTITY = ["project", "annotator", "account", "classes", "answers", "reveal", "grid", "columns", "language"];

/**
 * Streamlit calls this on every rerun; the desk stays and takes over the new token.
 * @param {{data: DeskData, parentElement: Element, setTriggerValue: (name: string, value: any) => void}} mounted
 */
export default function ({ data, parentElement, setTriggerValue }) {
  let desk = desks.get(parentElement);
  const changed = desk && IDENTITY.some((name) => JSON.stringify(desk.data[name]) !== JSON.stringify(data[name]));
  if (changed || !desk?.alive) {
    desk?.destroy();
    speak(data.words);
    desk = new Desk(parentElement, data, () => setTriggerValue("token", true));
    desks.set(parentElement, desk);
  } else {
    desk.update(data);
  }
  return () => desk.destroy();
}
