// Everything that is drawn goes through here: texts are set as texts, never as HTML.
function make(tag, name, parent, text) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text;
  parent?.append(element);
  return element;
}

function makeButton(name, parent, { key, text, title, run }) {
  const button = make("button", name, parent);
  button.type = "button";
  if (key) make("kbd", "", button, key).setAttribute("aria-hidden", "true");
  make("span", "", button, text);
  if (key) button.setAttribute("aria-keyshortcuts", key);
  if (title) button.title = title;
  button.addEventListener("click", (event) => {
    if (event.detail) button.blur();  // by mouse or touch: Enter is the desk's again, not this button's
    run(event);
  });
  return button;
}

// A modal dialog within the desk; `closed` runs however it ends.
function openDialog(parent, name, label, closed) {
  const dialog = make("dialog", name, parent);
  dialog.setAttribute("aria-label", label);
  dialog.addEventListener("close", () => {
    dialog.remove();
    closed?.();
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());  // beside it
  dialog.showModal();
  return dialog;
}
