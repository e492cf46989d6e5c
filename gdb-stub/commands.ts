/** The packets of gdb's remote protocol (appendix E.2 to E.5 of gdb's manual), with QEMU's own for physical memory. */
import { bytesOf, hexOf, PACKET_SIZE, parseHex, unhex } from './packets';
import { describe, monitor } from './monitor';
import { readMemory, spaceOf, writeMemory, type Space } from './memory';
import {
  GENERAL,
  decodeRegister,
  encodeRegister,
  readRegister,
  registerNumber,
  registerWrite,
  targetDescription,
} from './registers';
import type { Action } from './run-control';
import type { GdbSession } from './session';
import { PROCESS, parseThreadId, threadId } from './thread-ids';

/** What is answered; undefined where the answer comes later, or never. */
type Answer = string | undefined;
type Handler = (session: GdbSession, rest: string) => Answer;

const OK = 'OK';
/** To what the stub does not know. */
const UNKNOWN = '';
/** EINVAL, EFAULT, ENOSPC by their numbers, in hexadecimal as everything: what QEMU answers. */
const INVALID = 'E22';
const NO_MEMORY = 'E14';

const FEATURES = [
  `PacketSize=${PACKET_SIZE.toString(16)}`,
  'qXfer:features:read+',
  'vContSupported+',
  'multiprocess+',
  'QStartNoAckMode+',
];
const WAY_BACK = ['ReverseStep+', 'ReverseContinue+'];

/** By how a packet begins; the first that fits. */
const HANDLERS: readonly (readonly [string, Handler])[] = [
  ['?', (session) => session.stopReply],
  ['qSupported', supported],
  ['QStartNoAckMode', (session) => (session.withoutAcknowledgement(), OK)],
  ['qXfer:features:read:', describeTarget],
  ['qAttached', () => '1'],
  ['qC', (session, rest) => (rest === '' ? `QC${threadId(session.general, session.isMultiprocess)}` : UNKNOWN)],
  ['qfThreadInfo', (session) => ((session.listed = 0), listThreads(session))],
  ['qsThreadInfo', listThreads],
  ['qThreadExtraInfo,', describeThread],
  ['qRcmd,', command],
  ['qqemu.PhyMemMode', (session) => (session.isPhysical ? '1' : '0')],
  ['Qqemu.PhyMemMode:', setPhysical],
  [
    'g',
    (session) => Array.from({ length: GENERAL }, (_, i) => encodeRegister(readRegister(session.hart, i)!)).join(''),
  ],
  ['G', writeGeneral],
  ['p', readOne],
  ['P', writeOne],
  ['m', readBytes],
  ['M', (session, rest) => writeBytes(session, rest, unhex)],
  ['X', (session, rest) => writeBytes(session, rest, bytesOf)],
  ['H', selectThread],
  ['T', (session, rest) => (threadOf(session, rest) === undefined ? INVALID : OK)],
  ['Z', (session, rest) => point(session, rest, 'add')],
  ['z', (session, rest) => point(session, rest, 'remove')],
  ['vCont?', () => 'vCont;c;C;s;S'],
  ['vCont;', runHarts],
  ['vAttach;', (session) => session.stopReply],
  ['vKill', (session) => (session.target.quit(), OK)],
  ['c', (session, rest) => runFrom(session, rest, 'continue')],
  ['C', (session, rest) => runFrom(session, rest.split(';')[1] ?? '', 'continue')],
  ['s', (session, rest) => runFrom(session, rest, 'step')],
  ['S', (session, rest) => runFrom(session, rest.split(';')[1] ?? '', 'step')],
  ['bc', (session) => (session.goBack('continue') ? undefined : UNKNOWN)],
  ['bs', (session) => (session.goBack('step') ? undefined : UNKNOWN)],
  ['D', detach],
  ['k', (session) => (session.target.quit(), undefined)],
];

export function answer(session: GdbSession, packet: string): Answer {
  const found = HANDLERS.find(([prefix]) => packet.startsWith(prefix));
  return found === undefined ? UNKNOWN : found[1](session, packet.slice(found[0].length));
}

function supported(session: GdbSession, rest: string): Answer {
  session.introduce(rest.includes('multiprocess+'));
  return [...FEATURES, ...(session.control.canGoBack ? WAY_BACK : [])].join(';');
}

function describeTarget(session: GdbSession, rest: string): Answer {
  const [name = '', range = ''] = rest.split(':');
  const document = targetDescription(session.hart).get(name);
  const [offset, length] = range.split(',').map((text) => Number(parseHex(text) ?? -1n)) as [number, number];
  if (document === undefined || !(offset >= 0 && length >= 0)) return 'E00';
  const part = document.slice(offset, offset + Math.min(length, PACKET_SIZE / 2));
  return `${offset + part.length < document.length ? 'm' : 'l'}${part}`;
}

function listThreads(session: GdbSession): Answer {
  const hart = session.target.machine.harts[session.listed++];
  return hart === undefined ? 'l' : `m${threadId(hart.id, session.isMultiprocess)}`;
}

/** The hart of a thread; of "any" or "all" the one that is selected. */
function threadOf(session: GdbSession, text: string): number | undefined {
  const thread = parseThreadId(text, session.target.machine.harts.length);
  return typeof thread === 'object' ? thread.hart : thread && session.general;
}

function describeThread(session: GdbSession, rest: string): Answer {
  const hart = threadOf(session, rest);
  return hart === undefined
    ? INVALID
    : hexOf(bytesOf(`CPU#${hart} [${describe(session.target.machine.harts[hart]!)}]`));
}

function command(session: GdbSession, rest: string): Answer {
  const line = unhex(rest);
  if (line === undefined) return INVALID;
  session.print(monitor({ target: session.target, hart: session.hart }, new TextDecoder().decode(line)));
  return OK;
}

function setPhysical(session: GdbSession, rest: string): Answer {
  session.isPhysical = rest !== '0';
  return OK;
}

function writeGeneral(session: GdbSession, rest: string): Answer {
  const values = Array.from({ length: GENERAL }, (_, i) => decodeRegister(rest.slice(16 * i, 16 * i + 16)));
  if (!values.every((value) => value !== undefined)) return INVALID;
  return values.every((value, i) => session.target.apply(registerWrite(session.hart, i, value)!)) ? OK : NO_MEMORY;
}

function readOne(session: GdbSession, rest: string): Answer {
  const value = readRegister(session.hart, registerNumber(rest));
  return value === undefined ? 'E14' : encodeRegister(value);
}

function writeOne(session: GdbSession, rest: string): Answer {
  const [number = '', text = ''] = rest.split('=');
  const value = decodeRegister(text);
  const input = value === undefined ? undefined : registerWrite(session.hart, registerNumber(number), value);
  return input !== undefined && session.target.apply(input) ? OK : NO_MEMORY;
}

const space = (session: GdbSession): Space => (session.isPhysical ? undefined : spaceOf(session.hart));

function readBytes(session: GdbSession, rest: string): Answer {
  const [address, length] = rest.split(',').map(parseHex);
  if (address === undefined || length === undefined || length > PACKET_SIZE / 2) return INVALID;
  const bytes = readMemory(session.target.machine, space(session), address, Number(length));
  return bytes === undefined ? NO_MEMORY : hexOf(bytes);
}

function writeBytes(session: GdbSession, rest: string, decode: (text: string) => Uint8Array | undefined): Answer {
  const colon = rest.indexOf(':');
  const [address, length] = rest.slice(0, Math.max(colon, 0)).split(',').map(parseHex);
  const bytes = decode(rest.slice(colon + 1));
  if (address === undefined || bytes === undefined || BigInt(bytes.length) !== length) return INVALID;
  return writeMemory(session.target, space(session), address, bytes) ? OK : NO_MEMORY;
}

function selectThread(session: GdbSession, rest: string): Answer {
  const thread = parseThreadId(rest.slice(1), session.target.machine.harts.length);
  if (thread === undefined) return INVALID;
  if (rest.startsWith('c')) session.forRuns = typeof thread === 'object' ? thread.hart : undefined;
  else if (rest.startsWith('g')) session.general = typeof thread === 'object' ? thread.hart : session.general;
  else return INVALID;
  return OK;
}

function point(session: GdbSession, rest: string, change: 'add' | 'remove'): Answer {
  const [type, address, length] = rest.split(';')[0]!.split(',').map(parseHex);
  if (type === undefined || address === undefined || length === undefined) return INVALID;
  if (type > 4n) return UNKNOWN;
  const { points } = session.control;
  return points[change]({ type: Number(type), address, length: Number(length) }) ? OK : INVALID;
}

/** `vCont`: each hart does what the first action says that names it. */
function runHarts(session: GdbSession, rest: string): Answer {
  const { harts } = session.target.machine;
  const actions: Action[] = harts.map(() => undefined);
  for (const part of rest.split(';')) {
    const match = /^(?:([cs])|([CS])[0-9a-fA-F]{2})(?::(.+))?$/.exec(part);
    const thread = match?.[3] === undefined ? 'all' : parseThreadId(match[3], harts.length);
    if (!match || thread === undefined) return INVALID;
    const action = (match[1] ?? match[2])!.toLowerCase() === 's' ? 'step' : 'continue';
    const one = typeof thread === 'object' ? thread.hart : thread === 'any' ? session.general : undefined;
    harts.forEach(({ id }) => {
      if (one === undefined || one === id) actions[id] ??= action;
    });
  }
  return session.resume(actions);
}

function runFrom(session: GdbSession, rest: string, action: 'continue' | 'step'): Answer {
  const hart = session.forRuns ?? session.general;
  if (rest !== '') {
    const value = parseHex(rest);
    if (value === undefined) return INVALID;
    if (!session.target.apply({ kind: 'pc', hart, value })) return INVALID;
  }
  const { harts } = session.target.machine;
  return session.resume(harts.map(({ id }) => (id === hart ? action : 'continue')));
}

function detach(session: GdbSession, rest: string): Answer {
  if (rest !== '' && rest !== `;${PROCESS}`) return INVALID;
  return session.detach(OK);
}
