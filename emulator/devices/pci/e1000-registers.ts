/**
 * The registers of the 82540EM by their offset, and what is in them at power on (PCI/PCI-X Family of Gigabit Ethernet Controllers
 * Software Developer's Manual, chapter 13; values as in QEMU 7.2, hw/net/e1000.c).
 */

/** Bytes of all registers. */
export const REGISTERS_SIZE = 0x20000;

export const enum Register {
  CTRL = 0x0000,
  STATUS = 0x0008,
  EECD = 0x0010,
  EERD = 0x0014,
  MDIC = 0x0020,
  VET = 0x0038,
  ICR = 0x00c0,
  ITR = 0x00c4,
  ICS = 0x00c8,
  IMS = 0x00d0,
  IMC = 0x00d8,
  RCTL = 0x0100,
  TCTL = 0x0400,
  LEDCTL = 0x0e00,
  PBA = 0x1000,
  RDBAL = 0x2800,
  RDBAH = 0x2804,
  RDLEN = 0x2808,
  RDH = 0x2810,
  RDT = 0x2818,
  RDTR = 0x2820,
  RADV = 0x282c,
  TDBAL = 0x3800,
  TDBAH = 0x3804,
  TDLEN = 0x3808,
  TDH = 0x3810,
  TDT = 0x3818,
  TXDCTL = 0x3828,
  TADV = 0x382c,
  MTA = 0x5200,
  RA = 0x5400,
  VFTA = 0x5600,
  WUC = 0x5800,
  WUFC = 0x5808,
  MANC = 0x5820,
  /** Semaphores of the software that uses the card. */
  SWSM = 0x5b50,
}

/** Causes of interrupts, bits of ICR. */
export const enum Interrupt {
  /** A transmit descriptor was written back. */
  TXDW = 1 << 0,
  /** The transmit ring is empty. */
  TXQE = 1 << 1,
  /** The state of the link has changed. */
  LSC = 1 << 2,
  /** The receive ring runs low. */
  RXDMT0 = 1 << 4,
  /** A frame was lost for want of descriptors. */
  RXO = 1 << 6,
  /** A frame was received. */
  RXT0 = 1 << 7,
}

export const CTRL_RST = 1 << 26;
export const TCTL_EN = 1 << 1;

const ALL = 0xffff_ffff;
const HALF = 0xffff;
const LENGTH = 0xfff80;

/** Registers that a driver reads back as it has written them, with the bits for which that holds. */
const PLAIN: readonly (readonly [first: number, mask: number, count?: number])[] = [
  ...([
    [Register.CTRL, ALL & ~CTRL_RST],
    [Register.EERD, ALL],
    [Register.VET, ALL],
    [Register.ITR, HALF],
  ] as const),
  ...([
    [Register.RCTL, ALL],
    [Register.TCTL, ALL],
    [Register.PBA, ALL],
    [Register.TXDCTL, ALL],
  ] as const),
  ...([
    [Register.RDBAL, ALL],
    [Register.RDBAH, ALL],
    [Register.RDLEN, LENGTH],
  ] as const),
  ...([
    [Register.RDH, HALF],
    [Register.RDT, HALF],
    [Register.RDTR, HALF],
    [Register.RADV, HALF],
  ] as const),
  ...([
    [Register.TDBAL, ALL],
    [Register.TDBAH, ALL],
    [Register.TDLEN, LENGTH],
  ] as const),
  ...([
    [Register.TDH, HALF],
    [Register.TDT, HALF],
    [Register.TADV, HALF],
  ] as const),
  ...([
    [Register.MTA, ALL, 128],
    [Register.RA, ALL, 32],
    [Register.VFTA, ALL, 128],
  ] as const),
  ...([
    [Register.LEDCTL, ALL],
    [Register.WUC, ALL],
    [Register.SWSM, ALL],
    [Register.WUFC, ALL],
  ] as const),
];

/** By the register's offset. */
export const WRITABLE: ReadonlyMap<number, number> = new Map(
  PLAIN.flatMap(([first, mask, count = 1]) =>
    Array.from({ length: count }, (_, index): [number, number] => [first + 4 * index, mask >>> 0]),
  ),
);

/** The one station address: 52:54:00:12:34:56. */
export const STATION = Uint8Array.of(0x52, 0x54, 0x00, 0x12, 0x34, 0x56);

/** What is not 0 at power on. The link is up, at 1000 Mbit/s in full duplex. */
export const AT_POWER_ON: readonly (readonly [number, number])[] = [
  [Register.CTRL, 0x0014_0240],
  [Register.STATUS, 0x8008_0783],
  [Register.VET, 0x0000_8100],
  [Register.LEDCTL, 0x0000_0602],
  [Register.PBA, 0x0010_0030],
  [Register.RA, 0x1200_5452],
  [Register.RA + 4, 0x8000_5634],
  [Register.MANC, 0x0022_2300],
];

/** The registers of the PHY, which MDIC reads; those that are not here answer with an error. */
const PHY: Readonly<Partial<Record<number, number>>> = {
  ...{ 0: 0x1140, 1: 0x794d, 2: 0x0141, 3: 0x0c20, 4: 0x0de1, 5: 0x01e0, 6: 0x0000, 9: 0x0e00, 10: 0x3c00 },
  ...{ 16: 0x0360, 17: 0xac00, 20: 0x0d60, 21: 0x0000 },
};
/** Status, with a negotiation that is complete, and what the other end has acknowledged. */
const NEGOTIATED: typeof PHY = { 1: 0x796d, 5: 0x41e0 };
const PHY_ADDRESS = 1;
const MDIC_READY = 1 << 28;
const MDIC_ERROR = 1 << 30;
const MDIC_WRITE = 1;
const MDIC_READ = 2;

/** Whether what was written to MDIC restarts the negotiation of the link's speed: bit 9 of the PHY's control register. */
export const restartsNegotiation = (asked: number): boolean =>
  (asked & 0x0fff_0000) === ((MDIC_WRITE << 26) | (PHY_ADDRESS << 21)) && (asked & (1 << 9)) !== 0;

/**
 * What MDIC reads as, once `asked` was written to it. The PHY is address 1, and what is written to it has no effect but that the
 * speed is then `negotiated`.
 */
export function phy(asked: number, negotiated: boolean): number {
  const operation = (asked >>> 26) & 3;
  const register = (asked >>> 16) & 31;
  const isPhy = ((asked >>> 21) & 31) === PHY_ADDRESS;
  const value = isPhy ? ((negotiated ? NEGOTIATED[register] : undefined) ?? PHY[register]) : undefined;
  if (value === undefined) return (asked | MDIC_READY | MDIC_ERROR) >>> 0;
  return ((operation === MDIC_READ ? (asked & ~0xffff) | value : asked) | MDIC_READY) >>> 0;
}
