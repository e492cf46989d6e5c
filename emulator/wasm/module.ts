/**
 * Builds a WebAssembly module of functions. It imports a memory, and a table if it calls through one, and exports some of
 * the functions. WebAssembly core specification 1.0, section 5.5.
 */
import { type Code, type ValueType, assemble, unsigned } from './assembler';

export interface Signature {
  parameters: readonly ValueType[];
  results: readonly ValueType[];
}

interface FunctionBody extends Signature {
  exported: string | undefined;
  /** Types of the locals after the parameters. */
  locals: readonly ValueType[];
  code: Code;
}

export class ModuleBuilder {
  private readonly functions: FunctionBody[] = [];
  private readonly signatures: Signature[] = [];
  private table = false;

  /** Declares a type of functions called through the table env.table, which the module then imports. Returns its index. */
  signature(signature: Signature): number {
    this.table = true;
    return this.signatures.push(signature) - 1;
  }

  /** Adds a function. Returns its index. */
  define(body: Omit<FunctionBody, 'exported'> & { exported?: string }): number {
    this.functions.push({ exported: undefined, ...body });
    return this.functions.length - 1;
  }

  /** The bytes of the module, which imports env.memory, of at least one page and any maximum. */
  build(): Uint8Array<ArrayBuffer> {
    const signatures = [...this.signatures, ...this.functions];
    const first = this.signatures.length;
    const types = signatures.map((s) => [
      0x60,
      vector(s.parameters.map((t) => [t])),
      vector(s.results.map((t) => [t])),
    ]);
    const imports: Code[] = [
      [name('env'), name('memory'), 0x02, 0x00, unsigned(1)],
      ...(this.table ? [[name('env'), name('table'), 0x01, 0x70, 0x00, unsigned(1)]] : []),
    ];
    const functions = this.functions.map((_, index) => unsigned(first + index));
    const exports = this.functions.flatMap((f, index): Code[] =>
      f.exported === undefined ? [] : [[name(f.exported), 0x00, unsigned(index)]],
    );
    const code = this.functions.map((f): Code => {
      const body = assemble([vector(f.locals.map((t) => [1, t])), f.code, 0x0b]);
      return [unsigned(body.length), body];
    });
    return assemble([
      [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
      section(1, types),
      section(2, imports),
      section(3, functions),
      section(7, exports),
      section(10, code),
    ]);
  }
}

const vector = (items: readonly Code[]): Code => [unsigned(items.length), items];

function section(id: number, items: readonly Code[]): Code {
  const content = assemble(vector(items));
  return [id, unsigned(content.length), content];
}

function name(text: string): Code {
  const bytes = new TextEncoder().encode(text);
  return [unsigned(bytes.length), bytes];
}
