// Stories of two members of a class with Phoenix' stock client, the same in Node and in browsers, on any transport and
// version. Every step is checked; the first check that fails or times out throws.

// The first failed check. Browsers drop an exception thrown in a client's callback, so `until` throws it again.
let failure;

const check = (holds, what) => {
  if (holds) return;
  failure ??= new Error(`not so: ${what}`);
  throw failure;
};

const same = (one, other, what) =>
  check(JSON.stringify(one) === JSON.stringify(other), `${what}: ${JSON.stringify(one)}`);

// Return the reply to a push as a promise.
const settled = (push) =>
  new Promise((resolve, reject) => {
    push
      .receive("ok", resolve)
      .receive("error", (response) => reject(new Error(JSON.stringify(response))))
      .receive("timeout", () => reject(new Error("timeout")));
  });

// Long enough for an abandoned session to leave presence on a busy machine.
const PATIENCE_MS = 40_000;

const until = async (condition, what) => {
  const deadline = Date.now() + PATIENCE_MS;
  while (!condition()) {
    if (failure) throw failure;
    check(Date.now() < deadline, `in time: ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

// The client itself retries a join until it gets a reply.
const joined = async (channel, join) => {
  let response, refusal;
  join.receive("ok", (given) => (response = given)).receive("error", (given) => (refusal = given));
  await until(() => response || refusal, () => `${channel.topic} is joined, which is ${channel.state}`);
  check(response, `${channel.topic} may be joined: ${JSON.stringify(refusal)}`);
  return response;
};

// Join `user:me` and return the user and the names of their topics.
const askMe = async (socket) => {
  const me = socket.channel("user:me");
  const { user, topics } = await joined(me, me.join());
  return { user, topics: topics.map(({ topic }) => topic) };
};

const commonClass = async (one, other) => {
  const [mine, theirs] = await Promise.all([askMe(one), askMe(other)]);
  const topic = mine.topics.find((name) => name.startsWith("class:") && theirs.topics.includes(name));
  check(topic, "they have a class in common");
  return { topic, users: [mine.user, theirs.user] };
};

// A member of a class who keeps their position. Whenever the client rejoins by itself, it sends this position, and the
// reply contains the missed events.
class Listener {
  constructor(socket, topic, { position, epoch } = {}) {
    Object.assign(this, { position, epoch });
    this.received = [];
    this.joins = 0;
    const parameters = () => (this.position === undefined ? {} : { since: this.position, epoch: this.epoch });
    this.channel = socket.channel(topic, parameters);
    this.channel.on("message:sent", (payload) => this.take({ event: "message:sent", payload }));
    const join = this.channel.join().receive("ok", (reply) => this.joined(reply));
    this.here = joined(this.channel, join);
  }

  joined({ seq, epoch, complete, events }) {
    this.joins += 1;
    check(complete, "nothing is missing");
    // A broadcast has no join_ref, so it may have arrived already for an older join on the same connection.
    const missed = events.filter(({ payload }) => payload.seq > this.position);
    missed.forEach((event) => this.take(event));
    this.position = seq;
    this.epoch = epoch;
  }

  take({ event, payload }) {
    check(this.position === undefined || payload.seq === this.position + 1, `${payload.seq} follows ${this.position}`);
    this.position = payload.seq;
    if (event === "message:sent") this.received.push(payload.text);
  }
}

const newId = () => `${Date.now()}-${Math.random().toString(36).slice(2)}`;

// Send a message until it gets a reply; a retry with the same id is the same message.
const say = async (channel, text) => {
  const id = newId();
  let seq;
  const once = () => {
    const again = ({ retry_after = 0 }) => setTimeout(once, retry_after);
    channel
      .push("message:send", { text, id })
      .receive("ok", (response) => (seq = response.seq))
      .receive("timeout", again)
      .receive("error", again);
  };
  once();
  await until(() => seq, () => `${text} is answered, on a channel that is ${channel.state}`);
};

// The client itself answers `leave`. The reply to a later ping shows that the server has processed it.
const leave = (socket, channel) =>
  new Promise((resolve) => {
    channel.leave();
    socket.ping(resolve);
  });

// The story "meet": presence, send and receive, a refusal, a lost connection, leave and rejoin.
const meet = async (ana, bruno, Presence) => {
  const { topic, users } = await commonClass(ana, bruno);
  const anas = new Listener(ana, topic);
  const presence = new Presence(anas.channel);
  await anas.here;

  // Presence: Bruno joins, and Ana's client shows him.
  const here = () => presence.list((id, { user }) => user.name).sort();
  const names = users.map(({ name }) => name).sort();
  const brunos = new Listener(bruno, topic);
  await brunos.here;
  await until(() => here().length === 2, here);
  same(here(), names, "both are here");

  // Send and receive.
  const { seq } = await settled(anas.channel.push("message:send", { id: newId(), text: "Oi, Bruno!" }));
  await until(() => anas.received.length === 1 && brunos.received.length === 1, () => [anas.received, brunos.received]);
  same([anas.position, brunos.received], [seq, ["Oi, Bruno!"]], "both have it");

  // Refused: the error reply has a reason, and the connection stays.
  const refusal = await settled(anas.channel.push("message:send", { text: "" })).catch(({ message }) => message);
  check(/bad_payload/.test(refusal), "an empty message is refused");

  // A lost connection: the stock client reconnects and rejoins by itself, and receives the missed messages.
  await lose(ana);
  await say(brunos.channel, "Você está aí?");
  await until(() => anas.received.length === 2, () => [anas.received, anas.channel.state, ana.connectionState()]);
  same([anas.received, anas.joins], [["Oi, Bruno!", "Você está aí?"], 2], "nothing was missed, and nothing came twice");

  // Leave, and rejoin from the position.
  await leave(ana, anas.channel);
  await say(brunos.channel, "Até amanhã.");
  const again = new Listener(ana, topic, anas);
  const presenceAgain = new Presence(again.channel);
  await again.here;
  await until(() => again.received.length === 1, () => again.received);
  same(again.received, ["Até amanhã."], "she has what was said meanwhile");

  // Bruno leaves, and presence removes him.
  const stillHere = () => presenceAgain.list((id, { user }) => user.name);
  await until(() => stillHere().length === 2, stillHere);
  await leave(bruno, brunos.channel);
  await until(() => stillHere().length === 1, stillHere);
  await leave(ana, again.channel);
};

// The story "talk": both send `count` messages, one after the other, and both receive all of them in one order.
const talk = async (ana, bruno, count) => {
  const { topic } = await commonClass(ana, bruno);
  const both = [new Listener(ana, topic), new Listener(bruno, topic)];
  await Promise.all(both.map(({ here }) => here));
  await Promise.all(
    both.map(async ({ channel }, number) => {
      for (let each = 0; each < count; each += 1) await say(channel, `${number}-${each}`);
    }),
  );
  await until(
    () => both.every(({ received }) => received.length === 2 * count),
    () => both.map(({ received }) => received),
  );
  same(both[0].received, both[1].received, "both received the same in the same order");
  for (const number of [0, 1]) {
    const said = both[0].received.filter((text) => text.startsWith(`${number}-`));
    same(said, Array.from({ length: count }, (_, each) => `${number}-${each}`), "what each said came in order, once");
  }
  return { joins: both.map(({ joins }) => joins) };
};

// Break a connection from outside: drop the WebSocket, or delete the long-poll session.
const lose = async ({ conn }) => {
  if (conn.pollEndpoint) {
    await fetch(conn.pollEndpoint, { method: "DELETE", headers: { "X-Phoenix-Longpoll-Token": conn.token } });
  } else if (conn.terminate) {
    conn.terminate();
  } else {
    conn.close(4000);
  }
};

// Run a story with a package (`{ LongPoll, Presence, Socket }`), and return its result.
//
// `given`: url · story: "meet" or "talk" · tokens: of both; null: cookie · transport: "websocket" or "longpoll" ·
// fallback: longPollFallbackMs · timeout: of pushes, in ms · older: a client that can give its token as a parameter only
// · count: number of messages that each sends
export const run = async (given, { LongPoll, Presence, Socket }, WebSocket, sessionStorage) => {
  const open = (token) => {
    const credential = given.older ? { params: { access_token: token } } : { authToken: token };
    const socket = new Socket(`${given.url}/students/socket`, {
      ...(token ? credential : {}),
      transport: given.transport === "longpoll" ? LongPoll : WebSocket,
      longPollFallbackMs: given.fallback,
      timeout: given.timeout,
      sessionStorage,
    });
    socket.connect();
    return socket;
  };
  const [ana, bruno] = given.tokens.map(open);
  const told = given.story === "meet" ? await meet(ana, bruno, Presence) : await talk(ana, bruno, given.count);
  const longpoll = [ana, bruno].map(({ transport }) => transport === LongPoll);
  ana.disconnect();
  bruno.disconnect();
  return { ...told, longpoll, kept: sessionStorage.getItem("phx:fallback:LongPoll") };
};
