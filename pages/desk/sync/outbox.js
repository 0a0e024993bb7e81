// One entry of localStorage for each answer, so that two tabs cannot overwrite each other's. The names sort in
// the order of answering.
class Outbox {
  constructor(project, annotator) {
    this.prefix = `labeler/outbox/${project}/${annotator}/`;
    this.count = 0;
  }

  add(answer) {
    const order = `${String(Date.now()).padStart(15, "0")}-${String(this.count++).padStart(6, "0")}`;
    const entry = { ...answer, request_id: `${order}-${crypto.getRandomValues(new Uint32Array(2)).join("")}` };
    localStorage.setItem(this.prefix + entry.request_id, JSON.stringify(entry));
    return entry;
  }

  entries() {
    return Object.keys(localStorage).filter((name) => name.startsWith(this.prefix)).sort()
      .map((name) => JSON.parse(localStorage.getItem(name)));
  }

  remove(requestId) {
    localStorage.removeItem(this.prefix + requestId);
  }

  // A refused answer is kept apart, for a person to look at; it must not hold up the others.
  setAside(requestId) {
    localStorage.setItem(`labeler/refused/${requestId}`, localStorage.getItem(this.prefix + requestId));
    this.remove(requestId);
  }
}
