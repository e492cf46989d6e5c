/**
 * How a lab's Makefile runs our emulator in QEMU's place: by its variable QEMU, which a grade script hands on in MAKEFLAGS. Does not
 * use VS Code.
 */

/** A word for the shell of a recipe. Plain ones stay as they are: make then starts the program itself, without a shell between. */
const word = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** The value of MAKEFLAGS by which `$(QEMU)` is this command; `before`: what it is already. */
export function makeFlags(command: readonly string[], before = ''): string {
  const value = command.map((one) => word(one)).join(' ');
  // make parts its words at blanks, and expands what has a dollar, once here and once where it is used.
  const escaped = `QEMU=${value}`
    .replaceAll('\\', '\\\\')
    .replaceAll(' ', '\\ ')
    .replaceAll('$', () => '$$$$');
  return before === '' ? escaped : `${before} ${before.includes(' -- ') ? '' : '-- '}${escaped}`;
}
