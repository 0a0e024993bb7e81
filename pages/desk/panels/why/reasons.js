// Why something about the model is not shown to this annotator, and what its prediction rests on besides labels.
import { t } from "../../base/words.js";

/** @param {string} reason */
export function reasonInWords(reason) {
  switch (reason) {
    case "blind": return t("Some items of both kinds are answered without any hint of the model. This is one of them.");
    case "never": return t("This project does not show the model's predictions, so that they cannot influence your answers.");
    case "after": return t("This is shown once you have answered the item.");
    default: return t("There is no model yet: the first one is trained once there are labels of two classes.");
  }
}

/** @param {{ weight: number, labels: number }} start */
export function startInWords({ weight, labels }) {
  if (!labels) return t("There are no labels yet: the sentences about the classes, or the imported predictions, decide this prediction alone.");
  return t("The sentences about the classes, or the imported predictions, still count in this prediction: with weight {weight} beside {n} labels.", { weight: weight.toFixed(1), n: labels });
}
