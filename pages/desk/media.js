// The item's image, fetched and decoded once; later calls get the same promise.
function load(item, token) {
  item.ready ??= (async () => {
    const response = await fetch(item.media, { headers: { Authorization: `Bearer ${token}` } });
    if (!response.ok) throw new Error((await response.json()).error);
    const image = new Image();
    item.url = URL.createObjectURL(await response.blob());
    image.src = item.url;
    image.alt = "The item to label";
    image.className = "image";
    image.draggable = false;
    await image.decode();
    return image;
  })();
  item.ready.catch(() => { item.ready = undefined; });
  return item.ready;
}

function forget(item) {
  if (item?.url) URL.revokeObjectURL(item.url);
}
