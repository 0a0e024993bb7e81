import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Outbox } from "../../pages/desk/sync/outbox.js";
import { Sender } from "../../pages/desk/sync/sender.js";
import { fakeServer, fakeStorage, progress, refusal, settle } from "./fakes.js";

let outbox;
let events;

beforeEach(() => {
  globalThis.localStorage = fakeStorage();
  outbox = new Outbox("reviews", "kim");
  events = { receipts: [], troubles: [], progress: [], unsent: 0 };
});

function senderTo(server) {
  return new Sender(outbox, server, "tab-1", {
    unsent: () => { events.unsent += 1; },
    receipt: (receipt, itemId) => events.receipts.push({ ...receipt, itemId }),
    progress: (values) => events.progress.push(values),
    trouble: (text) => events.troubles.push(text),
  });
}

const answer = (id) => outbox.add({ item_id: id, action: "label", label: "good", seconds: 1 });
const sent = (server) => server.requests.map(({ body }) => body.answers.map((entry) => entry.item_id));
const accepting = ({ answers }) => ({
  receipts: answers.map(({ request_id }) => ({ request_id, ok: true, reason: null, prediction: null })),
  progress: progress(),
});
const refusing = (refusedId) => ({ answers }) => ({
  receipts: answers.map(({ request_id, item_id }) => (
    { request_id, ok: item_id !== refusedId, reason: item_id === refusedId ? "No such class." : null, prediction: null })),
  progress: progress(),
});

test("answers are sent in the order of answering, and are gone once they are acknowledged", async () => {
  for (const id of [3, 1, 2]) answer(id);
  const server = fakeServer(accepting);
  await senderTo(server).flush();
  assert.deepEqual(sent(server), [[3, 1, 2]]);
  assert.equal(server.requests[0].body.tab, "tab-1");
  assert.deepEqual(outbox.entries(), []);
  assert.deepEqual(events.receipts.map(({ itemId }) => itemId), [3, 1, 2]);
});

test("an answer without a receipt is kept", async () => {
  const [first] = [answer(1), answer(2)];
  const onlyFirst = { receipts: [{ request_id: first.request_id, ok: true, reason: null, prediction: null }], progress: progress() };
  const server = fakeServer(onlyFirst, new Error("network"));
  const sender = senderTo(server);
  await sender.flush();
  sender.stop();
  assert.deepEqual(outbox.entries().map((entry) => entry.item_id), [2]);
});

test("an answer whose reply was lost is sent again under the same name", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { request_id } = answer(1);
  const server = fakeServer(new Error("network"), accepting);
  await senderTo(server).flush();
  assert.deepEqual(outbox.entries().map((entry) => entry.request_id), [request_id]);
  context.mock.timers.tick(300);
  await settle();
  assert.deepEqual(server.requests.map(({ body }) => body.answers[0].request_id), [request_id, request_id]);
  assert.deepEqual(outbox.entries(), []);
});

test("tries come further and further apart, and at once again after a success", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  answer(1);
  const server = fakeServer(...Array.from({ length: 5 }, () => new Error("network")), accepting);
  const sender = senderTo(server);
  await sender.flush();
  for (const [index, wait] of [300, 1_000, 2_000, 4_000, 4_000].entries()) {
    context.mock.timers.tick(wait - 1);
    await settle();
    assert.equal(server.requests.length, index + 1, `nothing is sent before ${wait} ms`);
    context.mock.timers.tick(1);
    await settle();
    assert.equal(server.requests.length, index + 2);
  }
  assert.equal(sender.retries, 0);
});

test("what the server says of its trouble is told, what the network says is not", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  answer(1);
  await senderTo(fakeServer(new Error("Failed to fetch"))).flush();
  assert.deepEqual(events.troubles, []);
  await senderTo(fakeServer(refusal("The disk is full."))).flush();
  assert.deepEqual(events.troubles, ["The disk is full."]);
  assert.equal(outbox.entries().length, 1);
});

test("a refused answer is told with its reason and does not hold up the others", async () => {
  for (const id of [1, 2, 3]) answer(id);
  await senderTo(fakeServer(refusing(2))).flush();
  assert.deepEqual(outbox.entries(), []);
  assert.deepEqual(events.receipts.filter(({ ok }) => !ok).map(({ itemId, reason }) => [itemId, reason]), [[2, "No such class."]]);
  assert.equal(Object.keys(localStorage).filter((name) => name.startsWith("labeler/denied/")).length, 1);
});

test("an answer that the server cannot read does not hold up the others either", async () => {
  for (const id of [1, 2, 3]) answer(id);
  const unreadable = (body) => {
    if (body.answers.some((entry) => entry.item_id === 2)) throw Object.assign(refusal("The note is too long."), { status: 400 });
    return accepting(body);
  };
  await senderTo(fakeServer(unreadable)).flush();
  assert.deepEqual(outbox.entries(), []);
  assert.deepEqual(outbox.kept().map(({ answer }) => [answer.item_id, answer.reason]), [[2, "The note is too long."]]);
  assert.deepEqual(events.receipts.filter(({ ok }) => ok).map(({ itemId }) => itemId), [1, 3]);
});

const posts = (server) => server.requests.length;
const failing = (badId, status) => (body) => {
  if (body.answers.some((entry) => entry.item_id === badId)) throw Object.assign(refusal("It failed."), { status });
  return accepting(body);
};

test("of many answers one that cannot be read is found by halves", async () => {
  for (let id = 1; id <= 50; id++) answer(id);
  const server = fakeServer(failing(37, 400));
  await senderTo(server).flush();
  assert.deepEqual(outbox.entries(), []);
  assert.deepEqual(outbox.kept().map(({ answer }) => answer.item_id), [37]);
  assert.ok(posts(server) <= 13, `${posts(server)} requests`);
  const taken = events.receipts.filter(({ ok }) => ok).map(({ itemId }) => itemId);
  assert.deepEqual(taken, Array.from({ length: 50 }, (_, index) => index + 1).filter((id) => id !== 37));
});

test("an answer that the server fails over is kept and tried again, and holds up those to other items in no way", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  for (const id of [1, 2, 3, 2, 4]) answer(id);
  let isMended = false;
  const server = fakeServer((body) => (isMended ? accepting(body) : failing(2, 500)(body)));
  const sender = senderTo(server);
  await sender.flush();
  assert.deepEqual(outbox.entries().map((entry) => entry.item_id), [2, 2], "later answers to an item do not overtake it");
  assert.deepEqual(outbox.kept(), []);
  assert.equal(sender.refused, true);
  isMended = true;
  context.mock.timers.tick(300);
  await settle();
  assert.deepEqual(outbox.entries(), []);
  assert.deepEqual(events.receipts.map(({ itemId }) => itemId), [1, 3, 4, 2, 2]);
});

test("a server that fails over everything is not asked about each answer", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  for (let id = 1; id <= 50; id++) answer(id);
  const server = fakeServer(Object.assign(refusal("It failed."), { status: 500 }));
  await senderTo(server).flush();
  assert.ok(posts(server) <= 12, `${posts(server)} requests`);
  assert.equal(outbox.entries().length, 50);
});

test("a server that says when to come again is not asked before", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  answer(1);
  const busy = Object.assign(refusal("It is busy."), { status: 503, retryAfter: 2_000 });
  const server = fakeServer(busy, accepting);
  await senderTo(server).flush();
  context.mock.timers.tick(1_999);
  await settle();
  assert.equal(posts(server), 1);
  context.mock.timers.tick(1);
  await settle();
  assert.deepEqual(outbox.entries(), []);
});

test("a reply without any receipt is a failure, not a reason to ask without end", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  answer(1);
  const server = fakeServer({ receipts: [], progress: progress() });
  await senderTo(server).flush();
  assert.equal(posts(server), 1);
  assert.equal(outbox.entries().length, 1);
});

test("answers that the server refuses because of the person stay in the outbox", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  answer(1);
  const sender = senderTo(fakeServer(Object.assign(refusal("Log in."), { status: 401 })));
  await sender.flush();
  sender.stop();
  assert.equal(sender.refused, true);
  assert.equal(outbox.entries().length, 1);
  assert.deepEqual(outbox.kept(), []);
});

test("one request is under way at a time, and takes what was answered meanwhile in the next", async () => {
  let reply;
  const server = fakeServer(
    (body) => new Promise((resolve) => { reply = () => resolve(accepting(body)); }), accepting,
  );
  const sender = senderTo(server);
  answer(1);
  const done = sender.flush();
  answer(2);
  await sender.flush();
  assert.deepEqual(sent(server), [[1]]);
  reply();
  await done;
  assert.deepEqual(sent(server), [[1], [2]]);
});

test("at most fifty answers go with a request", async () => {
  for (let id = 1; id <= 120; id++) answer(id);
  const server = fakeServer(accepting);
  await senderTo(server).flush();
  assert.deepEqual(sent(server).map((ids) => ids.length), [50, 50, 20]);
});

test("a stopped sender sends nothing more", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  answer(1);
  const server = fakeServer(new Error("network"));
  const sender = senderTo(server);
  await sender.flush();
  sender.stop();
  context.mock.timers.tick(60_000);
  await settle();
  assert.equal(server.requests.length, 1);
});
