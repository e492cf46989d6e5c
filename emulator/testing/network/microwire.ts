/** How a driver reads a word of the e1000's EEPROM by the pins in EECD: what it writes there, and whether it then looks at the word's next bit. */
export function microwireRead(word: number): [pins: number, isRead: boolean][] {
  const [CLOCK, SELECT, DATA] = [1, 2, 4];
  const command = (0b110 << 6) | word;
  const steps: [number, boolean][] = [[SELECT, false]];
  for (let bit = 8; bit >= 0; bit--) {
    const pins = SELECT | (((command >> bit) & 1) * DATA);
    steps.push([pins, false], [pins | CLOCK, false], [pins, false]);
  }
  for (let bit = 0; bit < 16; bit++) steps.push([SELECT | CLOCK, true], [SELECT, false]);
  return [...steps, [0, false]];
}
