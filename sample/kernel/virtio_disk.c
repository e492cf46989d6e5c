// The disk: a virtio block device with one queue.
//
// A request is a chain of three descriptors: a header for the device to read, the data, and a status byte for the
// device to write. Request i always owns descriptors 3i, 3i + 1 and 3i + 2, so there is nothing to allocate.
#include "buf.h"
#include "defs.h"
#include "memlayout.h"
#include "riscv.h"
#include "virtio.h"

#define REG(offset) (*(volatile uint32 *)(VIRTIO0 + (offset)))

#define NREQUEST (QUEUE_SIZE / 3)

struct request {
  struct virtio_blk_header header;
  struct buf *buf;  // 0 while the request is free
  volatile uchar status;
};

static struct {
  struct spinlock lock;
  // Shared with the device, which reaches them by physical address: the same as ours for kernel data.
  __attribute__((aligned(16))) struct virtq_desc desc[QUEUE_SIZE];
  __attribute__((aligned(2))) struct virtq_avail avail;
  __attribute__((aligned(4))) volatile struct virtq_used used;
  struct request request[NREQUEST];
  uint16 seen;  // entries of used.ring that have been dealt with; it only grows
} disk;

static void set_address(uint32 reg, volatile void *address)
{
  REG(reg) = (uint64)address;
  REG(reg + 4) = (uint64)address >> 32;
}

void virtio_disk_init(void)
{
  initlock(&disk.lock, "disk");
  if (REG(VIRTIO_MAGIC) != VIRTIO_MAGIC_VALUE || REG(VIRTIO_VERSION) != 2 || REG(VIRTIO_DEVICE_ID) != 2)
    panic("no virtio disk of version 2 (is force-legacy=false given?)");

  // The order is that of section 3.1.1.
  REG(VIRTIO_STATUS) = 0;  // reset
  REG(VIRTIO_STATUS) = STATUS_ACKNOWLEDGE;
  REG(VIRTIO_STATUS) |= STATUS_DRIVER;

  REG(VIRTIO_DEVICE_FEATURES_SEL) = 1;
  if ((REG(VIRTIO_DEVICE_FEATURES) & FEATURE_VERSION_1) == 0)
    panic("virtio disk: not a modern device");
  REG(VIRTIO_DRIVER_FEATURES_SEL) = 0;
  REG(VIRTIO_DRIVER_FEATURES) = 0;
  REG(VIRTIO_DRIVER_FEATURES_SEL) = 1;
  REG(VIRTIO_DRIVER_FEATURES) = FEATURE_VERSION_1;
  REG(VIRTIO_STATUS) |= STATUS_FEATURES_OK;
  if ((REG(VIRTIO_STATUS) & STATUS_FEATURES_OK) == 0)
    panic("virtio disk: features refused");

  REG(VIRTIO_QUEUE_SEL) = 0;
  if (REG(VIRTIO_QUEUE_READY) || REG(VIRTIO_QUEUE_NUM_MAX) < QUEUE_SIZE)
    panic("virtio disk: queue 0 is not usable");
  REG(VIRTIO_QUEUE_NUM) = QUEUE_SIZE;
  set_address(VIRTIO_QUEUE_DESC, disk.desc);
  set_address(VIRTIO_QUEUE_DRIVER, &disk.avail);
  set_address(VIRTIO_QUEUE_DEVICE, &disk.used);
  REG(VIRTIO_QUEUE_READY) = 1;

  REG(VIRTIO_STATUS) |= STATUS_DRIVER_OK;
}

// A free request, sleeping until there is one. Call with disk.lock held.
static int take(struct buf *b)
{
  for (;;) {
    for (int i = 0; i < NREQUEST; i++) {
      if (disk.request[i].buf == 0) {
        disk.request[i].buf = b;
        return i;
      }
    }
    sleep(disk.request, &disk.lock);
  }
}

static void describe(int d, volatile void *address, uint32 len, uint16 flags)
{
  disk.desc[d] = (struct virtq_desc){(uint64)address, len, flags, flags & DESC_NEXT ? d + 1 : 0};
}

// Moves b's block between b->data and the disk, and sleeps until it is done.
void virtio_disk_rw(struct buf *b, int write)
{
  acquire(&disk.lock);
  int i = take(b);
  struct request *r = &disk.request[i];

#if OWNSTACK
  struct virtio_blk_header on_stack, *header = &on_stack;
  uint64 header_pa = kvmpa((uint64)header);
#else
  struct virtio_blk_header *header = &r->header;
  uint64 header_pa = (uint64)header;
#endif
  *header = (struct virtio_blk_header){write ? BLK_OUT : BLK_IN, 0, (uint64)b->blockno * (BSIZE / SECTOR_SIZE)};
  r->status = 0xff;
  describe(3 * i, (void *)header_pa, sizeof(*header), DESC_NEXT);
  describe(3 * i + 1, b->data, BSIZE, DESC_NEXT | (write ? 0 : DESC_WRITE));
  describe(3 * i + 2, &r->status, 1, DESC_WRITE);

  b->disk = 1;
  disk.avail.ring[disk.avail.idx % QUEUE_SIZE] = 3 * i;
  __sync_synchronize();  // the device must see the chain before the index, and the index before the bell
  disk.avail.idx++;
  __sync_synchronize();
  REG(VIRTIO_QUEUE_NOTIFY) = 0;

  while (b->disk)
    sleep(b, &disk.lock);

  if (r->status != 0)
    panic("virtio disk: error");
  r->buf = 0;
  wakeup(disk.request);
  release(&disk.lock);
}

// The device has finished one or more requests.
void virtio_disk_intr(void)
{
  acquire(&disk.lock);
  REG(VIRTIO_INTERRUPT_ACK) = REG(VIRTIO_INTERRUPT_STATUS) & 3;
  __sync_synchronize();
  while (disk.seen != disk.used.idx) {
    __sync_synchronize();
    struct request *r = &disk.request[disk.used.ring[disk.seen++ % QUEUE_SIZE].id / 3];
    r->buf->disk = 0;
    wakeup(r->buf);
  }
  release(&disk.lock);
}
