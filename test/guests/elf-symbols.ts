/** Reads just enough of ELF's symbol table (System V ABI, chapter 4) to find a test program's mailbox. */

const SHT_SYMTAB = 2;
const SYMBOL_SIZE = 24;

/** The value of a symbol; throws if the file has none of that name. */
export function symbolAddress(file: Buffer, name: string): bigint {
  const sections = Number(file.readBigUInt64LE(0x28));
  const count = file.readUInt16LE(0x3c);
  const header = (index: number): Buffer => file.subarray(sections + 64 * index, sections + 64 * index + 64);
  const content = (section: Buffer): Buffer => {
    const offset = Number(section.readBigUInt64LE(24));
    return file.subarray(offset, offset + Number(section.readBigUInt64LE(32)));
  };
  for (let i = 0; i < count; i++) {
    const section = header(i);
    if (section.readUInt32LE(4) !== SHT_SYMTAB) continue;
    const symbols = content(section);
    const strings = content(header(section.readUInt32LE(40)));
    for (let at = 0; at + SYMBOL_SIZE <= symbols.length; at += SYMBOL_SIZE) {
      const start = symbols.readUInt32LE(at);
      if (strings.toString('latin1', start, strings.indexOf(0, start)) === name) return symbols.readBigUInt64LE(at + 8);
    }
  }
  throw new Error(`no symbol ${name}`);
}
