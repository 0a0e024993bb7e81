class ImageViewer {
  constructor(item) { this.element = item.image; }
  key() { return false; }
  destroy() {}
}
class TextReader {
  constructor(item) { this.element = make("p", "text", null, item.text); }
  key() { return false; }
  destroy() {}
}
class WhyPanel {
  constructor() { this.element = make("aside", "why-panel"); this.element.hidden = true; }
  toggle() {}
  update() {}
  key() { return false; }
  destroy() {}
}
