import assert from "node:assert/strict";
import {test} from "node:test";

import {decode, encode} from "../../static/client/frame.js";

test("a frame is an array of five, in this order", () => {
  const frame = {joinRef: "3", ref: "4", topic: "class:7", event: "message:send", payload: {text: "Olá"}};
  assert.equal(encode(frame), '["3","4","class:7","message:send",{"text":"Olá"}]');
  assert.deepEqual(decode(encode(frame)), frame);
});

test("a broadcast has no references", () => {
  const frame = decode('[null,null,"class:7","message:sent",{"seq":1}]');
  assert.deepEqual(frame, {joinRef: null, ref: null, topic: "class:7", event: "message:sent", payload: {seq: 1}});
});

for (const text of ["", "<html>", "{}", "[]", '["1","2","t","e"]', '[1,"2","t","e",{}]', '[null,null,7,"e",{}]',
  '[null,null,"t",null,{}]', '[null,null,"t","e",null]', '[null,null,"t","e","text"]', '[null,null,"t","e",{},1]']) {
  test(`${text || "nothing"} is no frame`, () => assert.equal(decode(text), null));
}

test("binary data is no frame", () => assert.equal(decode(new ArrayBuffer(4)), null));
