/** The options by which a disk gets onto the board: -drive, -device and -snapshot. */
import { UsageError, onOff, onlyKeys, parseList } from './option-values';

export interface DriveOptions {
  file: string;
  /** The guest may not write. */
  readOnly: boolean;
  /** Writes stay in memory and are lost at the end. */
  snapshot: boolean;
}

/** Of the virtio-mmio buses. */
const LAST_SLOT = 7;
/** Keys of -drive that only tune QEMU's own input and output. */
const DRIVE_TUNING = ['cache', 'aio', 'discard', 'detect-zeroes', 'werror', 'rerror', 'media', 'index'];

/** The drives and the devices that take them, as they were given, in any order. */
export class Drives {
  /** All disk writes stay in memory. */
  snapshot = false;
  private readonly drives: (DriveOptions & { id: string })[] = [];
  private readonly devices: { drive: string; bus: string }[] = [];

  /** The argument of -drive. Throws UsageError. */
  addDrive(argument: string): void {
    const items = parseList(argument, 'file');
    onlyKeys('-drive', items, ['file', 'if', 'format', 'id', 'readonly', 'read-only', 'snapshot', ...DRIVE_TUNING]);
    const file = items.get('file');
    if (!file) throw new UsageError(`-drive ${argument}: no file=`);
    const format = items.get('format') ?? 'raw';
    if (format !== 'raw')
      throw new UsageError(`-drive format=${format}: only raw images are read (qemu-img convert makes one)`);
    const kind = items.get('if');
    if (kind !== 'none') {
      throw new UsageError(
        `-drive if=${kind ?? '(none given)'}: write if=none,id=x0 and -device virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0`,
      );
    }
    this.drives.push({
      id: items.get('id') ?? '',
      file,
      readOnly: onOff('-drive readonly', items.get('readonly') ?? items.get('read-only') ?? 'off'),
      snapshot: onOff('-drive snapshot', items.get('snapshot') ?? 'off'),
    });
  }

  /** The argument of -device. Throws UsageError. */
  addDevice(argument: string): void {
    const items = parseList(argument, 'driver');
    const driver = items.get('driver') ?? '';
    if (driver !== 'virtio-blk-device')
      throw new UsageError(`-device ${driver}: the board has no such device here; it has virtio-blk-device and e1000`);
    onlyKeys('-device virtio-blk-device', items, ['driver', 'drive', 'bus', 'id', 'serial']);
    this.devices.push({ drive: items.get('drive') ?? '', bus: items.get('bus') ?? '' });
  }

  /** The drive that is on the board, and its slot. Throws UsageError if the options contradict one another. */
  joined(warnings: string[]): { drive: DriveOptions | undefined; diskSlot: number } {
    if (this.devices.length > 1) throw new UsageError('-device virtio-blk-device: the board takes one disk here');
    const [device] = this.devices;
    const taken = device && this.drives.find(({ id }) => id === device.drive);
    if (device && !taken)
      throw new UsageError(`-device virtio-blk-device,drive=${device.drive}: no -drive has id=${device.drive}`);
    if (device?.bus === '') {
      warnings.push(
        `-device virtio-blk-device,drive=${device.drive}: without bus=virtio-mmio-bus.0 the disk is in slot ${LAST_SLOT}, as in QEMU; xv6 looks in slot 0`,
      );
    }
    for (const { file, id } of this.drives.filter((drive) => drive !== taken))
      warnings.push(`-drive file=${file}: no -device uses it (id=${id}); the guest will not see it`);
    return {
      drive: taken && { file: taken.file, readOnly: taken.readOnly, snapshot: taken.snapshot || this.snapshot },
      diskSlot: device ? slotOf(device.bus) : 0,
    };
  }
}

/** The slot that a bus names; without one QEMU takes the last that is free. */
function slotOf(bus: string): number {
  if (bus === '') return LAST_SLOT;
  const slot = Number(/^virtio-mmio-bus\.(\d+)$/.exec(bus)?.[1] ?? -1);
  if (slot >= 0 && slot <= LAST_SLOT) return slot;
  throw new UsageError(
    `-device virtio-blk-device,bus=${bus}: there are virtio-mmio-bus.0 to virtio-mmio-bus.${LAST_SLOT}`,
  );
}
