/** Spans of virtual time in words. */

/** Milliseconds in words: "0.3 µs", "12.4 ms", "3.25 s". */
export function duration(milliseconds: number): string {
  if (milliseconds < 0.001) return 'less than 1 µs';
  const [value, unit] =
    milliseconds < 0.995
      ? [milliseconds * 1000, 'µs']
      : milliseconds < 995
        ? [milliseconds, 'ms']
        : [milliseconds / 1000, 's'];
  return `${Number(value.toPrecision(3))} ${unit}`;
}
