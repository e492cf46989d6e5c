/**
 * The one question that xv6's net labs ask of the domain name system (RFC 1035), answered here so that their tests pass
 * where there is no network: any server that is asked gives the address that the tests want to see.
 */
import { viewOf } from './ethernet';

export const DNS_PORT = 53;

const HEADER = 12;
/** Flags: a query with opcode 0; a response, authoritative for nothing, with recursion desired and available. */
const QUERY_BITS = 0xf800;
const RESPONSE = 0x8180;
const TYPE_A = 1;
const CLASS_IN = 1;
/** A name as a pointer to the one in the question. */
const NAME_OF_QUESTION = 0xc000 | HEADER;
const TIME_TO_LIVE = 1800;

/** By name, in lower case without the last dot. */
const KNOWN: ReadonlyMap<string, readonly number[]> = new Map([['pdos.csail.mit.edu', [128, 52, 129, 126]]]);

/** The answer to a query; undefined if that has to be asked of a real server. */
export function knownAnswer(query: Uint8Array): Uint8Array | undefined {
  if (query.length < HEADER) return undefined;
  const view = viewOf(query);
  if ((view.getUint16(2) & QUERY_BITS) !== 0 || view.getUint16(4) !== 1) return undefined;
  const labels: string[] = [];
  let at = HEADER;
  for (let length = query[at]; length !== 0; length = query[at]) {
    if (length === undefined || length > 63) return undefined;
    labels.push(String.fromCharCode(...query.subarray(at + 1, at + 1 + length)));
    at += 1 + length;
  }
  const end = at + 5;
  const address = KNOWN.get(labels.join('.').toLowerCase());
  if (address === undefined || end > query.length) return undefined;
  if (view.getUint16(at + 1) !== TYPE_A || view.getUint16(at + 3) !== CLASS_IN) return undefined;
  const answer = new Uint8Array(end + 16);
  const words = viewOf(answer);
  answer.set(query.subarray(0, end));
  [RESPONSE, 1, 1, 0, 0].forEach((word, index) => words.setUint16(2 + 2 * index, word));
  [NAME_OF_QUESTION, TYPE_A, CLASS_IN].forEach((word, index) => words.setUint16(end + 2 * index, word));
  words.setUint32(end + 6, TIME_TO_LIVE);
  words.setUint16(end + 10, address.length);
  answer.set(address, end + 12);
  return answer;
}
