/** A 64-bit hash of machine state, for comparison and not for security: two lanes of multiply-and-rotate over 32-bit words. */
import type { State } from '../types';

export class StateHash {
  private a = 0x9e3779b9 | 0;
  private b = 0x85ebca6b | 0;

  word(value: number): void {
    this.a = Math.imul((this.a << 13) | (this.a >>> 19), 0x5bd1e995) ^ value;
    this.b = (Math.imul(this.b ^ value, 0xc2b2ae35) ^ (this.b >>> 15)) + 0x27d4eb2f;
  }

  /** Adds memory by words. A run of zeroes changes only the count before the next other word. */
  words(values: Int32Array): void {
    let zeroes = 0;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (value === 0) {
        zeroes++;
      } else {
        this.word(zeroes);
        this.word(value);
        zeroes = 0;
      }
    }
    this.word(zeroes);
  }

  /** Adds bytes with any alignment, by words. */
  bytes(values: Uint8Array): void {
    const whole = values.length & ~3;
    const aligned = values.byteOffset % 4 === 0 ? values : values.slice();
    const words = new Int32Array(aligned.buffer, aligned.byteOffset, whole / 4);
    // As `word`, for megabytes: in locals it takes half the time.
    let { a, b } = this;
    for (let i = 0; i < words.length; i++) {
      const value = words[i]!;
      a = Math.imul((a << 13) | (a >>> 19), 0x5bd1e995) ^ value;
      b = ((Math.imul(b ^ value, 0xc2b2ae35) ^ (b >>> 15)) + 0x27d4eb2f) | 0;
    }
    this.a = a;
    this.b = b;
    for (let at = whole; at < values.length; at++) this.word(values[at]!);
    this.word(values.length);
  }

  state(value: State): void {
    switch (typeof value) {
      case 'number':
        this.text(`n${value}`);
        break;
      case 'bigint':
        this.text(`i${value}`);
        break;
      case 'string':
        this.text(`s${value.length}:${value}`);
        break;
      case 'boolean':
        this.word(value ? 3 : 2);
        break;
      default:
        if (value === null) {
          this.word(5);
        } else if (value instanceof Uint8Array) {
          value.forEach((byte) => this.word(byte));
        } else if (Array.isArray(value)) {
          this.word(value.length);
          value.forEach((item) => this.state(item));
        } else {
          for (const key of Object.keys(value).sort()) {
            this.text(key);
            this.state(value[key]!);
          }
        }
    }
  }

  get hex(): string {
    return [this.a, this.b].map((lane) => (lane >>> 0).toString(16).padStart(8, '0')).join('');
  }

  private text(text: string): void {
    for (let i = 0; i < text.length; i++) this.word(text.charCodeAt(i));
  }
}
