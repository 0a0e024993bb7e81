// Pictures of items, fetched and decoded before they are needed. A few at a time and in order, so that what a person
// waits for, an answer being sent above all, finds the way to the server free.
class Gate {
  constructor(most) {
    this.free = most;
    this.waiting = [];
  }

  // The result of `run`, which is called when it is its turn; what is `urgent` comes before all that waits.
  async pass(run, urgent = false) {
    if (this.free > 0) this.free -= 1;
    else await new Promise((resolve) => (urgent ? this.waiting.unshift(resolve) : this.waiting.push(resolve)));
    try {
      return await run();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.free += 1;
    }
  }
}

const mediaGate = new Gate(2);

async function fetchImage(path, desk, signal) {
  const response = await desk.fetch(path, { signal });
  if (!response.ok) throw new Error((await response.json()).error);
  const image = new Image();
  const url = URL.createObjectURL(await response.blob());
  try {
    image.src = url;
    image.draggable = false;
    await image.decode();
  } finally {
    URL.revokeObjectURL(url);  // a decoded image keeps what it was made of
  }
  return { image, about: JSON.parse(response.headers.get("X-Image") ?? "null") };
}

// The item's picture as {image, about}, fetched and decoded once; later calls get the same promise. A scan is drawn
// through the window that was chosen last, and anew when another one has been chosen since.
function load(item, desk) {
  const window = viewing.window();
  const scan = item.picture?.about.drawn;
  if (item.loading && (item.window === window || (item.picture && !scan))) return item.loading;
  item.window = window;
  const loading = mediaGate.pass(async () => {
    const picture = await fetchImage(`media/${item.id}${window}`, desk);
    picture.image.className = "image";
    picture.image.alt = t("The item to label");
    if (item.window === window) item.picture = picture;
    return picture;
  });
  item.loading = loading;
  loading.catch(() => { if (item.loading === loading) item.loading = undefined; });
  return loading;
}

function forget(item) {
  if (item) item.loading = item.picture = undefined;
}
