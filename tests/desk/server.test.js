import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Server } from "../../pages/desk/sync/server.js";

let requests;
let reply;

beforeEach(() => {
  requests = [];
  reply = Response.json({});
  globalThis.fetch = async (address, options) => {
    requests.push({ address, ...options });
    return reply;
  };
});

const server = () => new Server({ project: "a b", token: "secret", language: "ko" });

test("a request carries the token and the language, and stays below the project's address", async () => {
  await server().fetch("media/3");
  assert.equal(requests[0].address, "/api/a%20b/media/3");
  assert.deepEqual(requests[0].headers, { Authorization: "Bearer secret", "Accept-Language": "ko" });
});

test("what is posted is JSON, and so is the reply", async () => {
  reply = Response.json({ items: [] });
  assert.deepEqual(await server().post("reserve", { n: 2 }), { items: [] });
  assert.equal(requests[0].method, "POST");
  assert.equal(requests[0].body, '{"n":2}');
  assert.equal(requests[0].headers["Content-Type"], "application/json");
});

test("a newer token is used from then on", async () => {
  const old = server();
  old.data = { ...old.data, token: "newer" };
  await old.fetch("guidelines");
  assert.equal(requests[0].headers.Authorization, "Bearer newer");
});

/** Replies in turn, the last one again and again. */
function replying(...replies) {
  globalThis.fetch = async (address, options) => {
    requests.push({ address, ...options });
    return (replies.length > 1 ? replies.shift() : replies[0]).clone();
  };
}
const tokens = () => requests.map(({ address, headers }) => [address.split("/").at(-1), headers.Authorization.split(" ")[1]]);
const expired = Response.json({ error: "Too old." }, { status: 401 });

test("a token that has expired is renewed, and what was asked is asked again", async () => {
  replying(expired, Response.json({ token: "newer" }), Response.json({ items: [1] }));
  const asked = server();
  assert.deepEqual(await asked.post("reserve", { n: 2 }), { items: [1] });
  assert.deepEqual(tokens(), [["reserve", "secret"], ["token", "secret"], ["reserve", "newer"]]);
  assert.equal(requests[2].body, '{"n":2}');
});

test("requests that wait for a token ask for one together", async () => {
  globalThis.fetch = async (address, options) => {
    requests.push({ address, ...options });
    if (address.endsWith("/token")) return Response.json({ token: "newer" });
    return options.headers.Authorization === "Bearer newer" ? Response.json({}) : expired.clone();
  };
  const asked = server();
  await Promise.all([asked.fetch("news"), asked.fetch("guidelines")]);
  assert.equal(requests.filter(({ address }) => address.endsWith("/token")).length, 1);
});

test("the page is asked for a token where the server renews it no more, and the refusal is told", async () => {
  replying(expired);
  let reruns = 0;
  const asked = new Server({ project: "u1", token: "old", language: "en" }, () => { reruns += 1; });
  for (let i = 0; i < 2; i++) await assert.rejects(asked.fetch("news"), { message: "Too old.", fromServer: true, status: 401 });
  assert.equal(reruns, 1);
});

test("a refusal is the server's own sentence", async () => {
  reply = Response.json({ error: "Sign in again." }, { status: 401 });
  await assert.rejects(server().fetch("media/3"), { message: "Sign in again.", fromServer: true });
});

test("a refusal without a sentence is told by its status", async () => {
  reply = new Response("<html>", { status: 502, statusText: "Bad Gateway" });
  await assert.rejects(server().post("reserve", {}), { message: "Bad Gateway", fromServer: true });
});

test("what the network says is no sentence of the server", async () => {
  globalThis.fetch = async () => { throw new TypeError("Failed to fetch"); };
  await assert.rejects(server().post("reserve", {}), (error) => error.fromServer === undefined);
});
