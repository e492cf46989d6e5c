/** The text of a message, as JSON. Nesting is limited: the parser's time grows faster than the depth of what it is given. */

/** Levels of arrays and objects in a message. No message of the protocol has nearly as many. */
const DEEPEST = 500;

/** Throws an Error if the text is no JSON, or is nested too deeply. */
export function parseMessage(text: string): unknown {
  if (depthOf(text) > DEEPEST) throw new Error(`a message is nested more than ${DEEPEST} levels deep`);
  return JSON.parse(text);
}

function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (inString) {
      if (character === '\\') i++;
      else if (character === '"') inString = false;
    } else if (character === '"') {
      inString = true;
    } else if (character === '[' || character === '{') {
      deepest = Math.max(deepest, ++depth);
    } else if (character === ']' || character === '}') {
      depth--;
    }
  }
  return deepest;
}
