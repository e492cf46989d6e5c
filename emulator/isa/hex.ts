/** An address, a register or an entry as text: "0x80001234". */
export const hex = (value: number | bigint): string => `0x${value.toString(16)}`;
