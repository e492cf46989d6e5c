// exec: replaces a process's memory by a program from the disk. It builds everything in a new table, and frees the old
// one only when nothing can fail any more: an exec that fails returns to the program that called it.
#include "defs.h"
#include "elf.h"
#include "file.h"
#include "memlayout.h"
#include "proc.h"
#include "riscv.h"
#include "stat.h"

static int flags_to_perm(uint flags)
{
  return (flags & PF_X ? PTE_X : 0) | (flags & PF_W ? PTE_W : 0);
}

// Reads n bytes of the file to user memory that has just been allocated in table.
static int load(pagetable_t table, uint64 va, struct inode *ip, uint off, uint n)
{
  for (uint done = 0, part; done < n; done += part, va += part) {
    part = PGSIZE - va % PGSIZE;
    if (part > n - done)
      part = n - done;
    // By its physical address, since the program's own mapping of its text is read-only.
    uint64 pa = walkaddr(table, va);
    if (pa == 0 || readi(ip, 0, pa + va % PGSIZE, off + done, part) != part)
      return -1;
  }
  return 0;
}

// Loads all segments of the file. *sz grows with the memory, so that the caller can free it after a failure.
static int load_program(pagetable_t table, struct inode *ip, uint64 *sz, uint64 *entry)
{
  struct elfhdr elf;
  if (readi(ip, 0, (uint64)&elf, 0, sizeof(elf)) != sizeof(elf) || elf.magic != ELF_MAGIC)
    return -1;

  for (int i = 0; i < elf.phnum; i++) {
    struct proghdr ph;
    if (readi(ip, 0, (uint64)&ph, elf.phoff + i * sizeof(ph), sizeof(ph)) != sizeof(ph))
      return -1;
    if (ph.type != PT_LOAD || ph.memsz == 0)
      continue;
    // The file may contain anything. Segments must be in order, on page boundaries, and below the trap frame.
    uint64 end = ph.vaddr + ph.memsz;
    if (ph.filesz > ph.memsz || end < ph.vaddr || end > TRAPFRAME || ph.vaddr % PGSIZE != 0 || ph.vaddr < *sz)
      return -1;
    uint64 grown = uvmalloc(table, *sz, end, flags_to_perm(ph.flags));
    if (grown == 0)
      return -1;
    *sz = grown;
    if (load(table, ph.vaddr, ip, ph.off, ph.filesz) < 0)
      return -1;
  }
  *entry = elf.entry;
  return 0;
}

// Puts the strings of argv and an array of pointers to them on top of the stack, for main(argc, argv). Returns the
// number of arguments, or -1 if they do not fit. *sp becomes the address of the array.
static int push_arguments(pagetable_t table, uint64 bottom, uint64 *sp, char **argv)
{
  uint64 pointers[MAXARG + 1];
  int argc = 0;
  for (; argv[argc]; argc++) {
    uint64 n = strlen(argv[argc]) + 1;
    *sp = (*sp - n) & ~15L;  // the calling convention requires sp to be a multiple of 16
    if (argc == MAXARG || *sp < bottom || copyout(table, *sp, argv[argc], n) < 0)
      return -1;
    pointers[argc] = *sp;
  }
  pointers[argc] = 0;

  uint64 n = (argc + 1) * sizeof(uint64);
  *sp = (*sp - n) & ~15L;
  if (*sp < bottom || copyout(table, *sp, pointers, n) < 0)
    return -1;
  return argc;
}

static const char *basename(const char *path)
{
  const char *name = path;
  for (; *path; path++)
    if (*path == '/')
      name = path + 1;
  return name;
}

// Returns argc, which becomes a0 of the new program; or -1, with the old program unchanged.
int exec(const char *path, char **argv)
{
  struct proc *p = myproc();
  struct inode *ip = namei(path);
  if (ip == 0)
    return -1;

  uint64 sz = 0, entry = 0;
  pagetable_t table = proc_pagetable(p);
  ilock(ip);
  int loaded = table && ip->type == T_FILE ? load_program(table, ip, &sz, &entry) : -1;
  iunlockput(ip);
  if (table == 0)
    return -1;

  // Two pages above the program: a guard page, which user mode may not touch, and the stack.
  int argc = -1;
  uint64 top = loaded == 0 ? uvmalloc(table, sz, PGROUNDUP(sz) + 2 * PGSIZE, PTE_W) : 0;
  uint64 sp = top;
  if (top) {
    sz = top;
    uvmclear(table, top - 2 * PGSIZE);
    argc = push_arguments(table, top - PGSIZE, &sp, argv);
  }
  if (argc < 0) {
    proc_freepagetable(table, sz);
    return -1;
  }

#if MMAP
  mmap_drop(p);
#endif
  pagetable_t old_table = p->pagetable;
  uint64 old_sz = p->sz;
  p->pagetable = table;
  p->sz = sz;
#if KPT
  if (kpt_mirror(p, 0, old_sz) < 0) {
    p->pagetable = old_table;
    p->sz = old_sz;
    proc_freepagetable(table, sz);
    return -1;
  }
#endif
  proc_freepagetable(old_table, old_sz);
#if ALARM
  p->alarm_interval = 0;
  p->in_alarm = 0;
#endif

  p->trapframe->epc = entry;
  p->trapframe->sp = sp;
  p->trapframe->a1 = sp;  // argv
  safestrcpy(p->name, basename(path), sizeof(p->name));
#if VMPRINT
  if (p == initproc)
    vmprint(p->pagetable);
#endif
  return argc;
}
