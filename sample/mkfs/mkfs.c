// mkfs: makes the disk image. Runs on the host.
//
//   mkfs fs.img name=file ...
//
// Each file goes into the root directory under its name. The image depends on nothing but the files' bytes and their
// order: no times, no numbers of the host. Its layout is that of kernel/fs.h; host and guest are both little endian.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../kernel/fs.h"
#include "../kernel/stat.h"

#define NBLOCKS 2048
#define NINODES 128
#define CONSOLE 1

static unsigned char disk[NBLOCKS][BSIZE];
static struct superblock *sb = (struct superblock *)disk[0];
static uint next_block;
static uint next_inode = ROOTINO;

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
  va_list args;
  va_start(args, format);
  fprintf(stderr, "mkfs: ");
  vfprintf(stderr, format, args);
  fprintf(stderr, "\n");
  exit(1);
}

static struct dinode *inode(uint inum)
{
  return (struct dinode *)disk[sb->inodes] + inum;
}

static uint new_block(void)
{
  if (next_block == NBLOCKS)
    die("the files need more than %d blocks of %d bytes", NBLOCKS, BSIZE);
  disk[sb->bitmap][next_block / 8] |= 1 << next_block % 8;
  return next_block++;
}

static uint new_inode(ushort type)
{
  if (next_inode == NINODES)
    die("more than %d files", NINODES - ROOTINO);
  inode(next_inode)->type = type;
  inode(next_inode)->nlink = 1;
  return next_inode++;
}

// The disk block that holds block n of a file.
static uint block_of(struct dinode *ip, uint n)
{
  if (n >= MAXFILE)
    die("a file is larger than %d bytes", (int)(MAXFILE * BSIZE));
  uint *place = &ip->addrs[n];
  if (n >= NDIRECT) {
    if (ip->addrs[NDIRECT] == 0)
      ip->addrs[NDIRECT] = new_block();
    place = (uint *)disk[ip->addrs[NDIRECT]] + (n - NDIRECT);
  }
  if (*place == 0)
    *place = new_block();
  return *place;
}

static void append(uint inum, const void *data, size_t n)
{
  struct dinode *ip = inode(inum);
  for (const unsigned char *from = data; n > 0;) {
    uint offset = ip->size % BSIZE;
    size_t part = n < BSIZE - offset ? n : BSIZE - offset;
    memcpy(disk[block_of(ip, ip->size / BSIZE)] + offset, from, part);
    ip->size += part;
    from += part;
    n -= part;
  }
}

static void enter(uint directory, const char *name, uint inum)
{
  struct dirent de = {.inum = inum};
  if (strlen(name) > DIRSIZ)
    die("the name %s is longer than %d bytes", name, DIRSIZ);
  memcpy(de.name, name, strlen(name));
  append(directory, &de, sizeof(de));
}

static void add_file(uint directory, const char *name, const char *path)
{
  static char data[MAXFILE * BSIZE + 1];
  FILE *file = fopen(path, "rb");
  if (file == NULL)
    die("%s: %s", path, strerror(errno));
  size_t n = fread(data, 1, sizeof(data), file);
  if (ferror(file))
    die("%s: cannot be read", path);
  fclose(file);
  uint inum = new_inode(T_FILE);
  append(inum, data, n);
  enter(directory, name, inum);
}

static void lay_out(void)
{
  sb->magic = FSMAGIC;
  sb->nblocks = NBLOCKS;
  sb->ninodes = NINODES;
  sb->bitmap = 1;
  sb->inodes = sb->bitmap + (NBLOCKS + BPB - 1) / BPB;
  sb->data = sb->inodes + (NINODES + IPB - 1) / IPB;
  while (next_block < sb->data)
    new_block();
}

int main(int argc, char **argv)
{
  if (argc < 2)
    die("usage: mkfs fs.img name=file ...");
  lay_out();

  uint root = new_inode(T_DIR);
  enter(root, ".", root);
  enter(root, "..", root);

  uint console = new_inode(T_DEVICE);
  inode(console)->addrs[0] = CONSOLE;
  enter(root, "console", console);

  for (int i = 2; i < argc; i++) {
    char *equals = strchr(argv[i], '=');
    if (equals == NULL)
      die("%s: not of the form name=file", argv[i]);
    *equals = 0;
    add_file(root, argv[i], equals + 1);
  }

  FILE *image = fopen(argv[1], "wb");
  if (image == NULL || fwrite(disk, sizeof(disk), 1, image) != 1 || fclose(image) != 0)
    die("%s: %s", argv[1], strerror(errno));
  return 0;
}
