// The virtio device over memory-mapped registers: Virtual I/O Device version 1.1, sections 2.6 (split queues),
// 4.2 (MMIO) and 5.2 (block device).
#pragma once

#include "types.h"

#define VIRTIO_MAGIC 0x000
#define VIRTIO_VERSION 0x004  // 2
#define VIRTIO_DEVICE_ID 0x008  // 2: block device
#define VIRTIO_DEVICE_FEATURES 0x010
#define VIRTIO_DEVICE_FEATURES_SEL 0x014
#define VIRTIO_DRIVER_FEATURES 0x020
#define VIRTIO_DRIVER_FEATURES_SEL 0x024
#define VIRTIO_QUEUE_SEL 0x030
#define VIRTIO_QUEUE_NUM_MAX 0x034
#define VIRTIO_QUEUE_NUM 0x038
#define VIRTIO_QUEUE_READY 0x044
#define VIRTIO_QUEUE_NOTIFY 0x050
#define VIRTIO_INTERRUPT_STATUS 0x060
#define VIRTIO_INTERRUPT_ACK 0x064
#define VIRTIO_STATUS 0x070
#define VIRTIO_QUEUE_DESC 0x080  // three 64-bit addresses, low word first
#define VIRTIO_QUEUE_DRIVER 0x090
#define VIRTIO_QUEUE_DEVICE 0x0a0

#define VIRTIO_MAGIC_VALUE 0x74726976  // "virt"

#define STATUS_ACKNOWLEDGE 1
#define STATUS_DRIVER 2
#define STATUS_DRIVER_OK 4
#define STATUS_FEATURES_OK 8

#define FEATURE_VERSION_1 1  // bit 32, so bit 0 of the second word

#define QUEUE_SIZE 8  // descriptors; a power of 2

struct virtq_desc {
  uint64 addr;
  uint32 len;
  uint16 flags;
  uint16 next;
};

#define DESC_NEXT 1   // the chain goes on at `next`
#define DESC_WRITE 2  // the device writes this part

struct virtq_avail {
  uint16 flags;
  uint16 idx;
  uint16 ring[QUEUE_SIZE];
  uint16 used_event;
};

struct virtq_used_elem {
  uint32 id;  // first descriptor of the finished chain
  uint32 len;
};

struct virtq_used {
  uint16 flags;
  uint16 idx;
  struct virtq_used_elem ring[QUEUE_SIZE];
  uint16 avail_event;
};

#define SECTOR_SIZE 512

#define BLK_IN 0   // from the disk
#define BLK_OUT 1  // to the disk

struct virtio_blk_header {
  uint32 type;
  uint32 reserved;
  uint64 sector;
};
