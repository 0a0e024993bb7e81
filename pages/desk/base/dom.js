// Everything that is drawn goes through here: texts are set as texts, never as HTML.

/**
 * A new element at the end of its parent.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [name] its CSS classes
 * @param {Element | null} [parent]
 * @param {string} [text]
 */
export function make(tag, name, parent, text) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text;
  parent?.append(element);
  return element;
}

/**
 * A button that is also pressed by its key, which it shows.
 * @param {string} name its CSS classes
 * @param {Element | null} parent
 * @param {{key?: string, text: string, title?: string, run: (event: MouseEvent) => unknown}} options
 */
export function makeButton(name, parent, { key, text, title, run }) {
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

/**
 * A modal dialog within the desk.
 * @param {Element} parent
 * @param {string} name its CSS classes
 * @param {string} label for screen readers
 */
export function openDialog(parent, name, label) {
  const dialog = make("dialog", name, parent);
  dialog.setAttribute("aria-label", label);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());  // beside it
  dialog.showModal();
  return dialog;
}
