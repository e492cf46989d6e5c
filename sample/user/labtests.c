// labtests: tests of what the kernel's variants can do (kernel/bug.h), and of what every kernel should survive.
//
//   labtests name ...
#include "kernel/fcntl.h"
#include "kernel/memlayout.h"
#include "kernel/riscv.h"
#include "kernel/usyscall.h"
#include "user/user.h"

// labsys.S
int sigalarm(int ticks, void (*handler)(void));
int sigreturn(void);
int pgaccess(void *va, int n, uint64 *mask);
char *mmap(uint64 length, int writable, int fd, int offset);
int munmap(void *address);

#define MIB (1024 * 1024)

#define CHECK(condition)                                                   \
  do {                                                                     \
    if (!(condition)) {                                                    \
      printf("\n  line %d: not true: %s\n", __LINE__, #condition);         \
      exit(1);                                                             \
    }                                                                      \
  } while (0)

static int must_fork(void)
{
  int pid = fork();
  CHECK(pid >= 0);
  return pid;
}

static void must_end_well(int pid)
{
  int status;
  CHECK(wait(&status) == pid && status == 0);
}

// The pid from the page that the kernel shares with each process.
static int pid_on_page(void)
{
  return ((volatile struct usyscall *)UPAGE)->pid;
}

static void usyscall(void)
{
  CHECK(pid_on_page() == getpid());
  int pid = must_fork();
  if (pid == 0)
    exit(pid_on_page() != getpid());
  must_end_well(pid);
}

static void access(void)
{
  char *pages = (char *)PGROUNDUP(sbrk(0));
  sbrk(pages + 4 * PGSIZE - (char *)sbrk(0));
  uint64 mask;
  CHECK(pgaccess(pages, 4, &mask) == 0);
  pages[PGSIZE] = 1;
  CHECK(pgaccess(pages, 4, &mask) == 0);
  CHECK(mask == 2);
  CHECK(pgaccess(pages, 4, &mask) == 0);
  CHECK(mask == 0);
}

// Grows beyond where a kernel that maps user memory has its devices.
static void grow(void)
{
  char *start = sbrk(33 * MIB);
  if (start == (char *)-1)
    return;
  start[33 * MIB - 1] = 1;
}

static void shrink(void)
{
  char *start = (char *)PGROUNDUP(sbrk(0));
  sbrk(start + 3 * PGSIZE - (char *)sbrk(0));
  start[2 * PGSIZE] = 1;
  sbrk(-2 * PGSIZE);
  sbrk(2 * PGSIZE);
  CHECK(start[2 * PGSIZE] == 0);
}

// Leaves no more than so many pages of memory.
static void eat_all_but(int pages)
{
  int size = 64 * MIB;
  while (size >= PGSIZE)
    if (sbrk(size) == (char *)-1)
      size /= 2;
  sbrk(-pages * PGSIZE);
}

static char data[40 * PGSIZE];

// A process that finds no page for its copy dies, and nobody else is hurt.
static void copy_without_memory(void)
{
  memset(data, 1, sizeof(data));
  int go[2];
  CHECK(pipe(go) == 0);
  int pid = must_fork();
  if (pid == 0) {
    char c;
    read(go[0], &c, 1);
    for (uint i = 0; i < sizeof(data); i += PGSIZE)
      data[i] = 2;
    exit(0);
  }
  if (must_fork() == 0) {
    eat_all_but(10);
    write(go[1], "!", 1);
    sleep(3);
    exit(0);
  }
  CHECK(wait(0) > 0 && wait(0) > 0);
  CHECK(data[0] == 1);
}

// A process that cannot fork goes on as before.
static void fork_without_memory(void)
{
  int pid = must_fork();
  if (pid == 0) {
    char *start = (char *)PGROUNDUP(sbrk(0));
    eat_all_but(6);  // enough for the first tables of a child
    if (fork() == 0)
      exit(0);
    for (char *p = start; p < start + 4 * MIB; p += PGSIZE)
      *p = 2;
    exit(0);
  }
  must_end_well(pid);
}

static int shared = 1;

// What a system call writes into a page that is shared after fork is not seen by the other process.
static void copyout_to_shared(void)
{
  int fd[2];
  CHECK(pipe(fd) == 0);
  CHECK(write(fd[1], "\2\0\0\0", 4) == 4);
  int pid = must_fork();
  if (pid == 0)
    exit(read(fd[0], &shared, sizeof(shared)) != 4 || shared != 2);
  must_end_well(pid);
  CHECK(shared == 1);
}

static char two_pages[2 * PGSIZE] __attribute__((aligned(PGSIZE)));

static void copyout_to_two(void)
{
  int file = open("/README", O_RDONLY);
  int pid = must_fork();
  if (pid == 0)
    exit(read(file, &two_pages[PGSIZE - 4], 8) != 8 || two_pages[PGSIZE] == 0);
  must_end_well(pid);
  CHECK(two_pages[PGSIZE - 1] == 0);
  CHECK(two_pages[PGSIZE] == 0);
}

// A page of memory that was never used, for each of these.
static void untouched(void)
{
  char *start = (char *)PGROUNDUP(sbrk(0));
  sbrk(start + 6 * PGSIZE - (char *)sbrk(0));
  start[0] = 1;
  start[5 * PGSIZE] = 1;
  int file = open("untouched", O_CREATE | O_RDWR);
  CHECK(file >= 0);
  CHECK(write(file, start + 2 * PGSIZE, 4) == 4);
  close(file);
  CHECK(unlink("untouched") == 0);
  int pid = must_fork();
  if (pid == 0)
    exit(start[0] != 1 || start[PGSIZE] != 0);
  must_end_well(pid);
}

// Much more than there is.
static void too_much(void)
{
  if (sbrk(0x7fffffff) != (char *)-1)
    sbrk(-PGSIZE);
}

static void beyond(void)
{
  int file = open("/README", O_RDONLY);
  CHECK(read(file, (char *)MAXVA, 1) == -1);
  char *end = (char *)PGROUNDUP(sbrk(0));
  int pid = must_fork();
  if (pid == 0) {
    end[PGSIZE] = 1;
    exit(0);
  }
  int status;
  CHECK(wait(&status) == pid && status == -1);
}

static void map_file(void)
{
  int file = open("/README", O_RDONLY);
  char *text = mmap(3 * PGSIZE, 1, file, 0);
  CHECK(text != (char *)-1);
  char first[8];
  CHECK(read(file, first, sizeof(first)) == sizeof(first));
  close(file);
  CHECK(memcmp(text, first, sizeof(first)) == 0);
  text[0] = '!';
  CHECK(text[0] == '!' && text[1] == first[1]);
  CHECK(munmap(text) == 0);
}

struct link {
  struct link *next;
};

// Large memory, of which the end is given back, and what is left is as it was.
static void super(void)
{
  struct link *start = (struct link *)sbrk(6 * MIB);
  CHECK(start != (struct link *)-1);
  uint64 n = 4 * MIB / sizeof(*start);
  for (uint64 i = 0; i < n; i++)
    start[i] = (struct link){&start[i + 1]};
  start[n - 1].next = 0;
  sbrk(-2 * MIB);
  uint64 number = 0;
  for (struct link *at = start; at; at = at->next)
    number++;
  CHECK(number == n);
}

static void super_fork(void)
{
  char *start = sbrk(6 * MIB);
  CHECK(start != (char *)-1);
  start[4 * MIB] = 1;
  int pid = must_fork();
  if (pid == 0) {
    start[4 * MIB] = 2;
    exit(0);
  }
  must_end_well(pid);
  CHECK(start[4 * MIB] == 1);
}

static volatile int alarms;

static void on_alarm(void)
{
  alarms++;
  sigreturn();
}

static void alarm(void)
{
  CHECK(sigalarm(1, on_alarm) == 0);
  while (alarms < 3)
    ;
  sigalarm(0, 0);
}

// Two processes that write to the pages they share, at the same time.
static void copy_at_once(void)
{
  memset(data, 1, sizeof(data));
  int start = uptime() + 2;
  int pid = must_fork();
  while (uptime() < start)
    ;
  for (uint i = 0; i < sizeof(data); i += PGSIZE)
    data[i]++;
  for (uint i = 0; i < sizeof(data); i += PGSIZE)
    CHECK(data[i] == 2);
  if (pid == 0)
    exit(0);
  must_end_well(pid);
}

static const struct {
  const char *name;
  void (*run)(void);
} tests[] = {
    {"usyscall", usyscall},
    {"access", access},
    {"grow", grow},
    {"shrink", shrink},
    {"copy-without-memory", copy_without_memory},
    {"copy-at-once", copy_at_once},
    {"fork-without-memory", fork_without_memory},
    {"copyout-to-shared", copyout_to_shared},
    {"copyout-to-two", copyout_to_two},
    {"untouched", untouched},
    {"too-much", too_much},
    {"beyond", beyond},
    {"map-file", map_file},
    {"super", super},
    {"super-fork", super_fork},
    {"alarm", alarm},
};

int main(int argc, char **argv)
{
  for (int a = 1; a < argc; a++) {
    for (uint i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
      if (strcmp(argv[a], tests[i].name) == 0) {
        tests[i].run();
        printf("labtests %s: OK\n", tests[i].name);
      }
    }
  }
  return 0;
}
