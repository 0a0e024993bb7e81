// The item's image, fetched and decoded once; later calls get the same promise.
function load(item, server) {
  item.ready ??= (async () => {
    const response = await server.fetch(`media/${item.id}`);
    const image = new Image();
    item.url = URL.createObjectURL(await response.blob());
    image.src = item.url;
    image.alt = t("The item to label");
    image.className = "image";
    image.draggable = false;
    await image.decode();
    item.image = image;
    return image;
  })();
  item.ready.catch(() => { item.ready = undefined; });
  return item.ready;
}

function forget(item) {
  if (item?.url) URL.revokeObjectURL(item.url);
}
