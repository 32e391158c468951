import assert from "node:assert/strict";
import {webcrypto} from "node:crypto";
import {test} from "node:test";

import {newIdentifier} from "../../static/client/identifier.js";

// Browsers have it; Node has it from version 19 on, and Debian 12 has Node 18.
globalThis.crypto ??= webcrypto;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** What a browser gives to a page on http://192.168.0.10:8888/: no randomUUID. */
const insecureCrypto = {getRandomValues: (array) => crypto.getRandomValues(array)};

test("identifiers are random UUIDs", () => {
  assert.match(newIdentifier(), UUID);
});

test("they are so on a plain http address too, where randomUUID is missing", () => {
  const made = Array.from({length: 1000}, () => newIdentifier(insecureCrypto));
  for (const identifier of made) assert.match(identifier, UUID);
  assert.equal(new Set(made).size, made.length);
});

test("the bytes are used in order, with version and variant set", () => {
  const counting = {getRandomValues: (array) => array.map((_, index) => index * 17)};
  assert.equal(newIdentifier(counting), "00112233-4455-4677-8899-aabbccddeeff");
});
