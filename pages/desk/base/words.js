// What the desk says, in the language of the page: the English text is the key of the catalogue.
let catalogue = {};

function speak(words) {
  catalogue = words ?? {};
}

function t(text, values = {}) {
  return (catalogue[text] || text).replace(/\{(\w+)\}/g, (all, name) => (name in values ? String(values[name]) : all));
}
