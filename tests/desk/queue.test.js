import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { Queue } from "../../pages/desk/sync/queue.js";
import { fakeServer, item, outboxOf, progress, refusal, reservation, settle } from "./fakes.js";

let queues = [];
let arrived;
let troubles;

beforeEach(() => {
  arrived = [];
  troubles = [];
});

afterEach(() => {
  for (const queue of queues) queue.stop();
  queues = [];
});

function queueOf(server, outbox = outboxOf()) {
  const queue = new Queue(server, outbox, "tab-1", {
    arrived: (reply) => arrived.push(reply),
    trouble: (text) => troubles.push(text),
  });
  queues.push(queue);
  return queue;
}

const items = (...ids) => ids.map((id) => item(id));
const idsOf = (queue) => queue.held.map(({ id }) => id);
const range = (first, last) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

/** A queue that holds these items, the first of them on screen. */
async function started(server, outbox) {
  const queue = queueOf(server, outbox);
  await queue.refill();
  queue.next();
  await settle();
  return queue;
}

test("what is heard while a reply is on its way is asked about once more", async () => {
  const server = fakeServer(reservation(items(1)), reservation([]));
  const queue = queueOf(server);
  const first = queue.refill();
  queue.refillAnew();
  await first;
  await settle();
  assert.equal(server.requests.length, 2);
  assert.deepEqual(idsOf(queue), []);
});

for (const sent of ["for the first time", "once more"]) {
  test(`earlier answers are asked for although they change while the server is asked ${sent}`, async () => {
    const server = fakeServer(reservation(items(1)));
    const queue = sent === "once more" ? await started(server) : queueOf(server);
    const before = server.requests.length;
    const asking = queue.refill();
    queue.recall();
    await asking;
    await settle();
    assert.equal(server.requests.length, before + 2);
    assert.equal(server.requests.at(-1).body.history, true);
    await queue.refill();
    assert.equal(server.requests.at(-1).body.history, false);
  });
}

test("items come in the order of the server", async () => {
  const queue = queueOf(fakeServer(reservation(items(5, 3, 9))));
  await queue.refill();
  assert.deepEqual([queue.next().id, queue.next().id, queue.next().id, queue.next()], [5, 3, 9, null]);
});

test("what a lead had asked next comes right after the item on screen", async () => {
  const next = [{ ...item(7), first: true }, { ...item(3), first: true }];
  const server = fakeServer(reservation(items(1, 2, 3)), reservation([...next, ...items(1, 2)]));
  const queue = await started(server);
  await queue.refill();
  assert.deepEqual(idsOf(queue), [1, 3, 7, 2]);
});

test("the first request asks for the history, later ones do not", async () => {
  const server = fakeServer(reservation(items(1, 2)));
  const queue = queueOf(server);
  await queue.refill();
  await queue.refill();
  assert.deepEqual(server.requests.map(({ body }) => body.history), [true, false]);
});

test("one request is under way at a time", async () => {
  const server = fakeServer(reservation(items(1)));
  const queue = queueOf(server);
  await Promise.all([queue.refill(), queue.refill(), queue.refill()]);
  assert.equal(server.requests.length, 1);
});

test("a few items left are a reason to ask for more", async () => {
  const server = fakeServer(reservation(items(...range(1, 20))));
  const queue = queueOf(server);
  await queue.refill();
  for (let count = 0; count < 8; count++) queue.next();
  assert.equal(server.requests.length, 1);
  queue.next();  // eleven are left
  assert.equal(server.requests.length, 2);
});

test("the item on screen stays whatever order a reply has", async () => {
  const held = items(1, 2, 3);
  const queue = await started(fakeServer(reservation(held), reservation(items(9, 3, 2, 1))));
  await queue.refill();
  assert.equal(queue.current, held[0]);
  assert.deepEqual(idsOf(queue), [1, 2, 3, 9]);
});

test("a newer ranking changes what comes after the next two items, and never what is on screen", async () => {
  const old = reservation(range(1, 6).map((id) => item(id, 1)), { round: 1 });
  const mixed = [...range(1, 6).map((id) => item(id, 1)), item(20, 2), item(21, 2)];
  const server = fakeServer(old, old, reservation(mixed, { round: 2 }), new Promise(() => {}));
  const queue = await started(server);
  await queue.refill();
  assert.deepEqual(idsOf(queue), [1, 2, 3, 20, 21]);
  assert.deepEqual(server.requests.at(-1).body.release, [4, 5, 6]);
});

test("released ids are told once the server has heard them, and not again", async () => {
  const old = reservation([item(1, 1), item(2, 1), item(3, 1), item(4, 1)], { round: 2 });
  const after = reservation([item(1, 1), item(2, 1), item(3, 1), item(9, 2)], { round: 2 });
  const server = fakeServer(old, after);
  const queue = queueOf(server);
  await queue.refill();
  await settle();
  assert.deepEqual(server.requests.map(({ body }) => body.release), [[], [4]]);
  assert.deepEqual(idsOf(queue), [1, 2, 3, 9]);
  assert.equal(queue.released.size, 0);
});

test("ids stay to be released if the request fails", async () => {
  const old = reservation([item(1, 1), item(2, 1), item(3, 1), item(4, 1)], { round: 2 });
  const queue = queueOf(fakeServer(old, new Error("network")));
  await queue.refill();
  await settle();
  assert.deepEqual([...queue.released], [4]);
});

test("an item that was answered while the reply was on its way is not shown again", async () => {
  let reply;
  const late = () => new Promise((resolve) => { reply = () => resolve(reservation(items(1, 2, 3))); });
  const queue = await started(fakeServer(reservation(items(1, 2, 3)), late));
  queue.acted(1, true);  // the reply that `next` asked for is on its way
  queue.next();
  reply();
  await settle();
  assert.deepEqual(idsOf(queue), [2, 3]);
  assert.equal(queue.current.id, 2);
});

test("an item whose answer is still unsent is not shown again", async () => {
  const outbox = outboxOf({ item_id: 2, action: "label" });
  const queue = queueOf(fakeServer(reservation(items(1, 2, 3))), outbox);
  await queue.refill();
  assert.deepEqual(idsOf(queue), [1, 3]);
});

test("an answer that was stored while the reply was on its way is remembered", async () => {
  const outbox = outboxOf({ item_id: 2, action: "label" });
  const queue = queueOf(fakeServer(() => {
    outbox.unsent = [];  // acknowledged meanwhile; this reply is older
    return reservation(items(1, 2, 3));
  }), outbox);
  await queue.refill();
  assert.deepEqual(idsOf(queue), [1, 3]);
});

test("an item that was taken back is held although the server has not heard of it yet", async () => {
  const outbox = outboxOf({ item_id: 7, action: "undo" });
  const queue = queueOf(fakeServer(reservation(items(1, 2))), outbox);
  queue.back(item(7));
  queue.acted(7, false);
  await queue.refill();
  assert.deepEqual(idsOf(queue), [7, 1, 2]);
});

test("what a person took back is neither stale nor given to others", async () => {
  const taken = [item(1, 1), item(2, 1), item(3, 1), item(4, 1), item(5, 1)];
  const queue = queueOf(fakeServer(reservation(taken, { round: 2, wanted: true }), new Promise(() => {})));
  queue.acted(5, false);
  await queue.refill();
  assert.deepEqual(idsOf(queue), [1, 2, 5]);
});

test("undo after a reload brings its item to the front once the server hands it out", async () => {
  const without = reservation(items(1, 2, 3));
  const queue = await started(fakeServer(without, without, without, reservation(items(1, 2, 3, 40))));
  queue.back();
  queue.first = 40;
  queue.outbox.unsent = [{ item_id: 40, action: "undo" }];
  await queue.refill();
  assert.equal(queue.first, 40, "it waits while the undo is unsent");
  await queue.refill();
  assert.deepEqual(idsOf(queue), [40, 1, 2, 3]);
  assert.equal(queue.first, null);
});

test("the queue waits no longer for an item that the server does not hand out", async () => {
  const queue = queueOf(fakeServer(reservation(items(1, 2))));
  queue.first = 40;
  await queue.refill();
  assert.equal(queue.first, null);
});

test("while somebody waits, two items are enough", async () => {
  const server = fakeServer(reservation(items(1, 2, 3, 4), { wanted: true }), reservation(items(1, 2), { wanted: true }));
  const queue = await started(server);
  assert.deepEqual(idsOf(queue), [1, 2]);
  assert.deepEqual(server.requests.slice(0, 2).map(({ body }) => [body.n, body.release]), [[20, []], [2, [3, 4]]]);
});

test("news in passing is a reason to ask, and no news is none", async () => {
  const server = fakeServer(reservation(items(...range(1, 20))));
  const queue = await started(server);
  queue.heed(progress());
  assert.equal(server.requests.length, 1);
  queue.heed(progress({ wanted: true }));
  assert.equal(server.requests.length, 2);
  await settle();
  queue.heed(progress({ round: 5 }));
  assert.equal(server.requests.length, 3);
});

test("an item that the server does not hold for this tab any more is let go", async () => {
  const queue = await started(fakeServer(reservation(items(1, 2, 3)), reservation(items(2, 3))));
  await queue.refill();
  assert.equal(queue.current, null);
  assert.deepEqual(idsOf(queue), [2, 3]);
});

test("a break gives everything back, and a reply that comes during it is not taken", async () => {
  let reply;
  const late = () => new Promise((resolve) => { reply = () => resolve(reservation(items(1, 2, 3))); });
  const server = fakeServer(reservation(items(1, 2, 3)), late, {});
  const queue = await started(server);
  queue.resting = true;  // the reply that `next` asked for is on its way
  await queue.drop();
  reply();
  await settle();
  assert.deepEqual(idsOf(queue), []);
  assert.equal(server.requests.at(-1).verb, "leave");
  await queue.refill();
  assert.equal(server.requests.at(-1).verb, "leave", "nothing is asked for during a break");
});

test("an empty queue asks again by itself, also after a failure", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  const server = fakeServer(reservation([]), new Error("network"), reservation(items(1)));
  const queue = queueOf(server);
  await queue.refill();
  for (const count of [2, 3]) {
    context.mock.timers.tick(2_000);
    await settle();
    assert.equal(server.requests.length, count);
  }
  assert.deepEqual(idsOf(queue), [1]);
  context.mock.timers.tick(2_000);
  await settle();
  assert.equal(server.requests.length, 3, "there is something to answer");
});

test("a server that says when to come again is not asked before", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  const server = fakeServer(Object.assign(refusal("It is busy."), { retryAfter: 5_000 }), reservation(items(1)));
  await queueOf(server).refill();
  context.mock.timers.tick(4_999);
  await settle();
  assert.equal(server.requests.length, 1);
  context.mock.timers.tick(1);
  await settle();
  assert.equal(server.requests.length, 2);
});

test("the heartbeat goes on while somebody looks at an item, until the queue is stopped", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  const server = fakeServer(reservation(items(...range(1, 20))));
  const queue = await started(server);
  context.mock.timers.tick(15_000);
  await settle();
  assert.equal(server.requests.length, 2);
  queue.stop();
  context.mock.timers.tick(60_000);
  await settle();
  assert.equal(server.requests.length, 2);
});

test("what the server says of its trouble is told, what the network says is not", async () => {
  const queue = queueOf(fakeServer(new Error("Failed to fetch"), refusal("Sign in again.")));
  await queue.refill();
  assert.deepEqual(troubles, []);
  await queue.refill();
  assert.deepEqual(troubles, ["Sign in again."]);
});
