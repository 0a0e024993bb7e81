class WhyPanel {
  constructor() { this.element = make("aside", "why-panel"); this.element.hidden = true; }
  toggle() {}
  update() {}
  key() { return false; }
  destroy() {}
}
