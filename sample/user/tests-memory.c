// Tests of memory: sbrk, page faults, and pointers that a system call must refuse.
#include "user/tests.h"

#define KERNEL ((char *)0x80000000L)

static void test_sbrk(void)
{
  char *start = sbrk(0);
  CHECK(sbrk(3 * PGSIZE) == start);
  for (int i = 0; i < 3 * PGSIZE; i++)
    CHECK(start[i] == 0);
  memset(start, 7, 3 * PGSIZE);

  CHECK(sbrk(-2 * PGSIZE) == start + 3 * PGSIZE);
  CHECK(sbrk(2 * PGSIZE) == start + PGSIZE);
  CHECK(start[0] == 7);
  // start may lie within a page, whose rest was never given back.
  for (char *p = (char *)PGROUNDUP(start + PGSIZE); p < start + 3 * PGSIZE; p++)
    CHECK(*p == 0);
}

// Sizes that are no multiple of a page.
static void test_sbrk_odd(void)
{
  char *start = sbrk(0);
  int total = 0;
  for (int i = 1; i < 200; i += 7) {
    char *p = sbrk(i);
    CHECK(p == start + total);
    memset(p, i, i);
    total += i;
  }
  for (int i = 1; i < 200; i += 13)
    CHECK(sbrk(-i) == start + total && sbrk(i) == start + total - i);
  CHECK(sbrk(-total) == start + total);
  CHECK(sbrk(0) == start);
  CHECK(sbrk(PGSIZE / 2) == start);  // left to exit
}

static void test_sbrk_limits(void)
{
  char *start = sbrk(0);
  CHECK(sbrk(0x7fffffff) == (char *)-1);
  CHECK(sbrk(-0x7fffffff) == (char *)-1);
  CHECK(sbrk(0) == start);
}

// A child that has allocated all memory cannot fork but can exit, and all of it is freed.
static int eat_all(void)
{
  int pages = 0;
  while (sbrk(PGSIZE) != (char *)-1)
    pages++;
  if (pages < 1000 || fork() >= 0)
    return 1;
  return 0;
}

static void test_out_of_memory(void)
{
  CHECK(in_child(eat_all) == 0);
}

static int store_null(void)
{
  volatile int *p = 0;
  asm volatile("" : "+r"(p));
  *p = 1;
  return 0;
}

static int load_kernel(void)
{
  return *(volatile char *)KERNEL & 0;
}

static int load_trapframe(void)
{
  return *(volatile char *)(MAXVA - 2 * PGSIZE) & 0;
}

static int load_trampoline(void)
{
  return *(volatile char *)(MAXVA - PGSIZE) & 0;
}

static int load_beyond(void)
{
  return *(volatile char *)PGROUNDUP(sbrk(0)) & 0;
}

static int load_not_canonical(void)
{
  return *(volatile char *)0x5555555555555555 & 0;
}

static int store_guard(void)
{
  char local;
  *((volatile char *)PGROUNDDOWN(&local) - 1) = 1;
  return 0;
}

static int run_stack(void)
{
  uint code[] = {0x00008067};  // ret
  void (*function)(void) = (void (*)(void))code;
  asm volatile("" : "+r"(function) : : "memory");
  function();
  return 0;
}

static int load_given_back(void)
{
  sbrk(2 * PGSIZE);
  char *end = sbrk(-PGSIZE);
  return *(volatile char *)PGROUNDUP(end - PGSIZE) & 0;
}

static int illegal_instruction(void)
{
  asm volatile(".half 0");
  return 0;
}

static int control_register(void)
{
  asm volatile("csrr a0, satp" ::: "a0");
  return 0;
}

static volatile int deeper = 1;

static int overflow(void)
{
  volatile char frame[256];
  frame[0] = deeper;
  return deeper ? overflow() + frame[0] : 0;
}

// Whatever a program does wrong, it ends with status -1, and nobody else notices.
static void test_faults(void)
{
  int (*const kinds[])(void) = {store_null,         load_kernel,     load_trapframe, load_trampoline,
                                load_beyond,        store_guard,     run_stack,      load_given_back,
                                load_not_canonical, overflow,        illegal_instruction, control_register};
  printf("(faults follow)\n");
  for (uint i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
    CHECK(in_child(kinds[i]) == -1);
}

// No system call follows a pointer to where the program itself could not go.
static void test_bad_pointers(void)
{
  char local;
  char *const bad[] = {KERNEL,
                       (char *)PGROUNDDOWN(&local) - 8,  // the guard page
                       (char *)PGROUNDUP(sbrk(0)) + PGSIZE,
                       (char *)(MAXVA - PGSIZE),
                       (char *)(MAXVA - 2 * PGSIZE),
                       (char *)MAXVA,
                       (char *)0x8000000000000000,
                       (char *)0xfffffffffffffff8};
  int fd[2];
  CHECK(pipe(fd) == 0);
  int file = open("/README", O_RDONLY);
  int out = open("bad", O_CREATE | O_RDWR);
  CHECK(file >= 0 && out >= 0);

  for (uint i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    CHECK(write(out, bad[i], 8) == -1);
    CHECK(write(fd[1], bad[i], 8) <= 0);
    CHECK(read(file, bad[i], 8) == -1);
    CHECK(open(bad[i], O_RDONLY) == -1);
    CHECK(unlink(bad[i]) == -1 && mkdir(bad[i]) == -1 && chdir(bad[i]) == -1);
    CHECK(exec(bad[i], (char *[]){"x", 0}) == -1);
    CHECK(exec("/echo", (char **)bad[i]) == -1);
    CHECK(exec("/echo", (char *[]){bad[i], 0}) == -1);
    CHECK(pipe((int *)bad[i]) == -1);
    CHECK(fstat(file, (struct stat *)bad[i]) == -1);

    int pid = must_fork();
    if (pid == 0)
      exit(0);
    CHECK(wait((int *)bad[i]) == -1);
    CHECK(wait(0) == pid);  // the child was not lost
  }
  CHECK(unlink("bad") == 0);
}

// Nor does it write where the program may not: its own text is read only.
static void test_text_is_read_only(void)
{
  char *text = (char *)test_text_is_read_only;
  char before = *(volatile char *)text;
  int file = open("/README", O_RDONLY);
  CHECK(read(file, text, 1) == -1);
  CHECK(pipe((int *)((uint64)text & ~3L)) == -1);
  CHECK(*(volatile char *)text == before);
}

// A buffer across a page boundary, and a string that ends at the very end of memory.
static void test_page_boundary(void)
{
  char *end = (char *)PGROUNDUP(sbrk(0));
  sbrk(end + 2 * PGSIZE - (char *)sbrk(0));
  int file = open("/README", O_RDONLY);
  CHECK(read(file, end + PGSIZE - 4, 8) == 8);
  char direct[8];
  close(file);
  file = open("/README", O_RDONLY);
  CHECK(read(file, direct, 8) == 8);
  CHECK(memcmp(end + PGSIZE - 4, direct, 8) == 0);

  char *last = end + 2 * PGSIZE;
  strcpy(last - 8, "/README");
  CHECK(open(last - 8, O_RDONLY) >= 0);
  last[-1] = 'x';  // now it does not end
  CHECK(open(last - 8, O_RDONLY) == -1);
}

const struct test memory_tests[] = {
    {"sbrk", test_sbrk},
    {"sbrk-odd", test_sbrk_odd},
    {"sbrk-limits", test_sbrk_limits},
    {"out-of-memory", test_out_of_memory, 1},
    {"faults", test_faults},
    {"bad-pointers", test_bad_pointers},
    {"text-is-read-only", test_text_is_read_only},
    {"page-boundary", test_page_boundary},
    {0},
};
