import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { News } from "../../pages/desk/sync/news.js";

let heard;
let news;
let replies;

beforeEach(() => {
  heard = [];
  replies = 0;
  globalThis.document = { visibilityState: "visible" };
});

afterEach(() => news.end());

// News of a server with these replies; the first of them has come.
async function listen(...prepared) {
  const asked = [];
  const server = {
    data: { class_change: 2 },
    asked,
    async fetch(path) {
      asked.push(path);
      const reply = prepared.shift();
      if (reply instanceof Error) throw reply;
      return Response.json(reply);
    },
  };
  news = new News(server, {
    classes: (classes, change) => heard.push(["classes", classes.map(({ name }) => name), change]),
    others: () => heard.push(["others"]),
    heard: () => { replies += 1; },
  });
  await new Promise((resolve) => setImmediate(resolve));  // the reply to the first question
  return server;
}

test("the server is asked with the change of the classes that the desk knows", async () => {
  const server = await listen({ class_change: 2, classes: null, stop: null });
  assert.deepEqual(server.asked, ["news?class_change=2"]);
  assert.deepEqual(heard, []);
});

test("other classes are told", async () => {
  await listen({ class_change: 3, classes: [{ name: "positive" }, { name: "bad" }], stop: null });
  assert.deepEqual(heard, [["classes", ["positive", "bad"], 3]]);
});

test("a stop is told when it begins and when it ends, once each", async () => {
  const goesOn = { class_change: 2, classes: null, stop: null };
  const stopped = { ...goesOn, stop: { reason: "stopped", by: "lead", text: "Enough." } };
  await listen(goesOn, stopped, stopped, goesOn);
  for (let i = 0; i < 3; i++) await news.ask();
  assert.deepEqual(heard, [["others"], ["others"]]);
});

test("what a lead has asked next is told once", async () => {
  const before = { class_change: 2, classes: null, stop: null, asked_next: 4 };
  await listen(before, before, { ...before, asked_next: 5 }, { ...before, asked_next: 5 });
  for (let i = 0; i < 3; i++) await news.ask();
  assert.deepEqual(heard, [["others"]]);
});

test("a server that is gone changes nothing", async () => {
  await listen(new TypeError("Failed to fetch"), { class_change: 2, classes: null, stop: null });
  await news.ask();
  assert.deepEqual(heard, []);
});

test("a stop from just before the page was opened is told with the first reply", async () => {
  await listen({ class_change: 2, classes: null, stop: { reason: "paused" } });
  assert.deepEqual(heard, [["others"]]);
});
