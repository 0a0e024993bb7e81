// What the desk says, in the language of the page: the English text is the key of the catalogue.
/** @type {Record<string, string>} */
let catalogue = {};

/** @param {Record<string, string>} [words] the catalogue of the page's language */
export function speak(words) {
  catalogue = words ?? {};
}

/**
 * The text in the language of the page, with the values in place of its fields.
 * @param {string} text
 * @param {Record<string, any>} [values] by the names of the fields
 */
export function t(text, values = {}) {
  return (catalogue[text] || text).replace(/\{(\w+)\}/g, (field, name) => (name in values ? shown(values[name]) : field));
}

/** @param {any} value */
function shown(value) {
  return Number.isInteger(value) ? value.toLocaleString("en-US") : String(value);  // as the other pages group digits
}
