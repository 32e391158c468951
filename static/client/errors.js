/**
 * Why a push did not succeed. Each error has a `code` to decide by and a `message` to show; the codes of `Refused`
 * are the server's (channels/errors.py), the others are ours.
 */

/** @typedef {{code?: string, message?: string, reason?: string, retry_after?: number, until?: number, opens_at?: number}} RefusalResponse */

/** Codes that say "not now": the same push, sent again later, may well succeed. */
const PASSING = new Set(["too_fast", "overloaded", "unavailable"]);

/** The root of this client's errors. */
export class ClientError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.name = new.target.name;
    this.code = code;
  }
}

/** The server answered, and said no. */
export class Refused extends ClientError {
  /**
   * @param {string} code
   * @param {string} message
   * @param {number | null} retryAfter milliseconds that the server asks us to wait
   * @param {RefusalResponse} response the whole answer
   */
  constructor(code, message, retryAfter = null, response = {}) {
    super(code, message);
    this.retryAfter = retryAfter;
    this.response = response;
  }

  /** Whether the same push may succeed later. */
  get isPassing() {
    return PASSING.has(this.code);
  }

  /**
   * Read an error reply. A stock Phoenix server gives a `reason` only, and in words.
   * @param {RefusalResponse} response
   */
  static from(response) {
    const code = response.code ?? (response.reason ?? "internal").replaceAll(" ", "_");
    const retryAfter = typeof response.retry_after === "number" ? response.retry_after : null;
    return new Refused(code, response.message ?? response.reason ?? code, retryAfter, response);
  }
}

/** No answer came in time. The push may have been carried out all the same. */
export class TimedOut extends ClientError {
  constructor() {
    super("timeout", "The server did not answer in time.");
  }
}

/** The connection, or the channel, went before the answer came. The push may have been carried out all the same. */
export class Disconnected extends ClientError {
  constructor() {
    super("disconnected", "The connection to the server was lost.");
  }
}

/** The user gave the push up. */
export class Cancelled extends ClientError {
  constructor() {
    super("cancelled", "The push was cancelled.");
  }
}
