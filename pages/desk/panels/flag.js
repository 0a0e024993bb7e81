// The dialog that a flag comes with.
import { make, makeButton } from "../base/dom.js";
import { isComposed } from "../base/keys.js";
import { t } from "../base/words.js";
/** @import { Desk } from "../desk.js" */

/**
 * Ask what is the matter with an item.
 * @param {Desk} desk
 * @param {(note: string | null) => void} send null: no note was written
 */
export function askForNote(desk, send) {
  const dialog = desk.dialog("flag", t("Flag this item"));
  const form = make("form", "", dialog);
  form.method = "dialog";
  const label = make("label", "", form, t("What is the matter? The project lead reads it."));
  const field = make("textarea", "", label);
  field.maxLength = 2000;
  field.rows = 4;
  make("p", "hint", form, t("Enter sends it, Shift+Enter begins a new line."));
  const row = make("div", "actions", form);
  const submit = () => {
    dialog.close();
    send(field.value.trim() || null);
  };
  makeButton("action confirm", row, { text: t("Flag"), run: submit });
  makeButton("action", row, { text: t("Cancel"), run: () => dialog.close() });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || isComposed(event)) return;
    event.preventDefault();
    submit();
  });
  field.focus();
}
