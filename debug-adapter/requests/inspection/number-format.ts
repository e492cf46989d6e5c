/** In which base numbers are shown: as the client asks for single ones, or all of them as `xv6.setHexadecimal` has said. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Requests } from '../../protocol';
import type { SessionContext } from '../context';

/** Whether numbers are wanted in hexadecimal. */
export const wantsHex = (context: SessionContext, format: DebugProtocol.ValueFormat | undefined): boolean =>
  format?.hex ?? context.hexadecimal;

export function setHexadecimal(
  context: SessionContext,
  { hexadecimal }: Requests['xv6.setHexadecimal']['arguments'],
): Requests['xv6.setHexadecimal']['response'] {
  context.hexadecimal = hexadecimal;
  const { connection, client } = context;
  if (client.invalidated) connection.afterResponse(() => connection.event('invalidated', { areas: ['variables'] }));
  return { hexadecimal };
}
