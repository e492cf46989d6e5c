import { Bytes } from '../../../emulator/testing/bytes';

/** An abbreviation. `attributes` are pairs of name and form, and the value for DW_FORM_implicit_const. */
export function abbreviation(code: number, tag: number, hasChildren: boolean, attributes: number[][]): Bytes {
  const bytes = new Bytes()
    .uleb(code)
    .uleb(tag)
    .u8(hasChildren ? 1 : 0);
  attributes.flat().forEach((value) => bytes.uleb(value));
  return bytes.u8(0, 0);
}
