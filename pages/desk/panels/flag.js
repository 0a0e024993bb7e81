// Asks what is the matter with an item; `send` gets the note, or null where none was written.
function askForNote(desk, send) {
  const dialog = desk.dialog("flag", t("Flag this item"));
  const form = make("form", "", dialog);
  form.method = "dialog";
  const label = make("label", "", form, t("What is the matter? The project lead reads it."));
  const field = make("textarea", "", label);
  field.maxLength = 2000;
  field.rows = 4;
  const row = make("div", "actions", form);
  const done = () => {
    dialog.close();
    send(field.value.trim() || null);
  };
  makeButton("action confirm", row, { text: t("Flag"), run: done });
  makeButton("action", row, { text: t("Cancel"), run: () => dialog.close() });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) done();
  });
  field.focus();
}
