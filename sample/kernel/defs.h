// Every function that is used outside its own file, by file.
#pragma once

#include "bug.h"
#include "types.h"

struct buf;
struct context;
struct cpu;
struct file;
struct inode;
struct pipe;
struct proc;
struct sleeplock;
struct spinlock;
struct stat;
struct superblock;

typedef uint64 *pagetable_t;
typedef uint64 pte_t;

// alarm.c
void alarm_tick(struct proc *);

// bio.c
void binit(void);
struct buf *bread(uint);
void bwrite(struct buf *);
void brelse(struct buf *);

// block.c
extern struct superblock sb;
void fsinit(void);
uint balloc(void);
void bfree(uint);

// console.c
void consoleinit(void);
void consoleintr(int);
void consputc(int);

// copy.c
uint64 walkaddr(pagetable_t, uint64);
int copyout(pagetable_t, uint64, const void *, uint64);
int copyin(pagetable_t, void *, uint64, uint64);
int copyinstr(pagetable_t, char *, uint64, uint64);
int either_copyout(int, uint64, const void *, uint64);
int either_copyin(void *, int, uint64, uint64);

// cow.c
void cow_first(uint64);
int cow_drop(uint64);
int cow_break(pagetable_t, uint64);

// directory.c
struct inode *dirlookup(struct inode *, const char *, uint *);
int dirlink(struct inode *, const char *, uint);
int dirisempty(struct inode *);
struct inode *namei(const char *);
struct inode *nameiparent(const char *, char *);

// exec.c
int exec(const char *, char **);

// file.c
void fileinit(void);
struct file *filealloc(void);
struct file *filedup(struct file *);
void fileclose(struct file *);
int fileread(struct file *, uint64, int);
int filewrite(struct file *, uint64, int);
int filestat(struct file *, uint64);

// inode.c
void iinit(void);
struct inode *ialloc(short);
struct inode *iget(uint);
struct inode *idup(struct inode *);
void iupdate(struct inode *);
void ilock(struct inode *);
void iunlock(struct inode *);
void iput(struct inode *);
void iunlockput(struct inode *);
void itrunc(struct inode *);
void stati(struct inode *, struct stat *);
int readi(struct inode *, int, uint64, uint, uint);
int writei(struct inode *, int, uint64, uint, uint);

// kalloc.c
void kinit(void);
void *kalloc(void);
void kfree(void *);

// kpt.c
int kpt_make(struct proc *);
int kpt_mirror(struct proc *, uint64, uint64);
void kpt_free(struct proc *);
uint64 kvmpa(uint64);

// lazy.c, mmap.c
int page_in(struct proc *, uint64);

// mmap.c
void mmap_drop(struct proc *);

// pipe.c
int pipealloc(struct file **, struct file **);
void pipeclose(struct pipe *, int);
int piperead(struct pipe *, uint64, int);
int pipewrite(struct pipe *, uint64, int);

// plic.c
void plicinit(void);
void plicinithart(void);
int plic_claim(void);
void plic_complete(int);

// printf.c
extern volatile int panicked;
int printf(const char *, ...) __attribute__((format(printf, 1, 2)));
void panic(const char *) __attribute__((noreturn));
void printfinit(void);
void stop_if_panicked(void);

// proc.c
extern struct spinlock wait_lock;
void procinit(void);
void userinit(void);
pagetable_t proc_pagetable(struct proc *);
void proc_freepagetable(pagetable_t, uint64);
int growproc(int);
int fork(void);
void exit(int) __attribute__((noreturn));
int wait(uint64);
int kill(int);
int killed(struct proc *);
void setkilled(struct proc *);
void procdump(void);

// sched.c
int cpuid(void);
struct cpu *mycpu(void);
struct proc *myproc(void);
void scheduler(void) __attribute__((noreturn));
void sched(void);
void yield(void);
void sleep(void *, struct spinlock *);
void wakeup(void *);

// sleeplock.c
void initsleeplock(struct sleeplock *, char *);
void acquiresleep(struct sleeplock *);
void releasesleep(struct sleeplock *);
int holdingsleep(struct sleeplock *);

// spinlock.c
void initlock(struct spinlock *, char *);
void acquire(struct spinlock *);
void release(struct spinlock *);
int holding(struct spinlock *);
void push_off(void);
void pop_off(void);

// string.c
void *memset(void *, int, uint64);
int memcmp(const void *, const void *, uint64);
void *memmove(void *, const void *, uint64);
void *memcpy(void *, const void *, uint64);
int strlen(const char *);
int strncmp(const char *, const char *, uint64);
char *safestrcpy(char *, const char *, int);

// swtch.S
void swtch(struct context *, struct context *);

// superpage.c
void superinit(void);
void *superalloc(void);
void superfree(void *);
int super_grow(pagetable_t, uint64, int);
int super_copy(pagetable_t, uint64, pte_t);
void super_split(pagetable_t, uint64);

// syscall.c
uint64 argument(int);
int argint(int);
int argstr(int, char *, int);
void syscall(void);

// trap.c
extern struct spinlock tickslock;
extern uint ticks;
void trapinit(void);
void trapinithart(void);
void usertrapret(void);

// uart.c
void uartinit(void);
void uartputc(int);
void uartputc_sync(int);
void uartintr(void);

// uvm.c
uint64 uvmalloc(pagetable_t, uint64, uint64, int);
uint64 uvmdealloc(pagetable_t, uint64, uint64);
void uvmfree(pagetable_t, uint64);
int uvmcopy(pagetable_t, pagetable_t, uint64);
void uvmclear(pagetable_t, uint64);

// virtio_disk.c
void virtio_disk_init(void);
void virtio_disk_rw(struct buf *, int);
void virtio_disk_intr(void);

// vm.c
extern pagetable_t kernel_pagetable;
pagetable_t newtable(void);
pagetable_t kvmmake(void);
void kvminit(void);
void kvminithart(void);
pte_t *walk(pagetable_t, uint64, int);
int mappages(pagetable_t, uint64, uint64, uint64, int);
void uvmunmap(pagetable_t, uint64, uint64, int);
void freewalk(pagetable_t);
void vmprint(pagetable_t);
