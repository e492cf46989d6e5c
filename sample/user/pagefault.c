// pagefault: takes a page fault on purpose. Each kind is stopped by something else:
//
//   null     stores at address 0             program text: W is 0
//   kernel   loads from the kernel's RAM     no entry at the top level of a user's table
//   exec     runs code on the stack          X is 0
//   guard    loads from below the stack      the guard page: U is 0
//   beyond   loads from beyond the heap      V is 0
#include "kernel/riscv.h"
#include "user/user.h"

static void null_pointer(void)
{
  volatile int *pointer = 0;
  asm volatile("" : "+r"(pointer));  // or the compiler would see what is coming
  *pointer = 42;
}

static void kernel_memory(void)
{
  volatile int *kernel = (int *)0x80000000L;
  printf("the kernel begins with 0x%x\n", *kernel);
}

static void stack_code(void)
{
  uint code[] = {0x00008067};  // ret
  void (*function)(void) = (void (*)(void))code;
  asm volatile("" : "+r"(function) : : "memory");
  function();
}

static void guard_page(void)
{
  char local;
  volatile char *below = (char *)PGROUNDDOWN(&local) - 1;
  printf("the guard page ends with 0x%x\n", *below);
}

static void beyond_heap(void)
{
  volatile char *end = sbrk(0);
  printf("the first byte beyond the heap is 0x%x\n", *end);
}

static const struct {
  const char *name;
  void (*fault)(void);
} kinds[] = {
    {"null", null_pointer}, {"kernel", kernel_memory}, {"exec", stack_code},
    {"guard", guard_page}, {"beyond", beyond_heap},
};

int main(int argc, char **argv)
{
  for (uint i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
    if (argc == 2 && strcmp(argv[1], kinds[i].name) == 0) {
      kinds[i].fault();
      printf("pagefault: %s did not fault\n", kinds[i].name);
      return 1;
    }
  }
  fprintf(2, "usage: pagefault null|kernel|exec|guard|beyond\n");
  return 2;
}
