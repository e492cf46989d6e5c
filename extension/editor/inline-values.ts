/** Values of local variables and arguments at the ends of the lines that name them, from the function's head to the stop. */
import * as vscode from 'vscode';
import { namesIn } from './inline-names';
import { DEBUG_TYPE } from '../sessions';

/** The parts of the protocol's Scope and Variable that are used here. */
interface Scope {
  presentationHint?: string;
  variablesReference: number;
  line?: number;
}
interface Variable {
  name: string;
  value: string;
}

/** Longest value shown; the Variables view shows longer ones. */
const LONGEST = 60;

export class InlineValues implements vscode.InlineValuesProvider {
  async provideInlineValues(
    document: vscode.TextDocument,
    viewPort: vscode.Range,
    { frameId, stoppedLocation }: vscode.InlineValueContext,
    token: vscode.CancellationToken,
  ): Promise<vscode.InlineValue[]> {
    const session = vscode.debug.activeDebugSession;
    if (session?.type !== DEBUG_TYPE) return [];
    try {
      const { scopes } = (await session.customRequest('scopes', { frameId })) as { scopes: Scope[] };
      const own = scopes.filter(({ presentationHint }) => /^(locals|arguments)$/.test(presentationHint ?? ''));
      const lists = await Promise.all(
        own.map(
          ({ variablesReference }) =>
            session.customRequest('variables', { variablesReference }) as Thenable<{ variables: Variable[] }>,
        ),
      );
      if (token.isCancellationRequested) return [];
      const known = lists.flatMap(({ variables }) => variables).filter(({ value }) => value !== '<optimized out>');
      const values = new Map(known.map(({ name, value }) => [name, value]));
      const head = own.find(({ line }) => line !== undefined)?.line ?? 1;
      const first = Math.max(head - 1, 0);
      const last = Math.min(stoppedLocation.end.line, document.lineCount - 1);
      return namesIn((line) => document.lineAt(line).text, first, last, new Set(values.keys()))
        .filter(({ line }) => line >= viewPort.start.line && line <= viewPort.end.line)
        .map(
          ({ name, line, start, end }) =>
            new vscode.InlineValueText(
              new vscode.Range(line, start, line, end),
              `${name} = ${short(values.get(name)!)}`,
            ),
        );
    } catch {
      // The machine went on before it could respond.
      return [];
    }
  }
}

const short = (value: string): string => (value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value);
