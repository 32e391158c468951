/** Whether a text is nothing but a few emoji: such a message is shown large. */

/** More than that is a text, and large it would fill the screen. */
const MAX_LARGE = 3;

// Unicode's UTS 51, ED-17: a flag, a keycap, or pictures joined to one, each with its variation or tone of skin.
const PICTURE = "(?:(?!\\p{Regional_Indicator})\\p{Emoji_Presentation}|\\p{Emoji}\\ufe0f)\\p{Emoji_Modifier}?(?:[\\u{e0020}-\\u{e007e}]{1,16}\\u{e007f})?";
const JOINED = `${PICTURE}(?:\\u200d(?:\\p{Emoji_Presentation}|\\p{Extended_Pictographic}\\ufe0f?)\\p{Emoji_Modifier}?){0,8}`;
const EMOJI = `(?:\\p{Regional_Indicator}{2}|[0-9#*]\\ufe0f?\\u20e3|${JOINED})`;
const FEW = new RegExp(`^(?:${EMOJI}\\s?){1,${MAX_LARGE}}$`, "u");
/** The longest that it can be, in code units: three of nine joined pictures. */
const MAX_LENGTH = 200;

/** @param {string} text */
export function isFewEmoji(text) {
  return text.length <= MAX_LENGTH && FEW.test(text);
}
