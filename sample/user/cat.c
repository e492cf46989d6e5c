// cat: prints files, or its input.
#include "kernel/fcntl.h"
#include "user/user.h"

static int cat(int fd)
{
  static char buf[512];
  int n;
  while ((n = read(fd, buf, sizeof(buf))) > 0)
    if (write(1, buf, n) != n)
      return 1;
  return n < 0;
}

int main(int argc, char **argv)
{
  if (argc < 2)
    return cat(0);
  int failed = 0;
  for (int i = 1; i < argc; i++) {
    int fd = open(argv[i], O_RDONLY);
    if (fd < 0) {
      fprintf(2, "cat: cannot open %s\n", argv[i]);
      failed = 1;
      continue;
    }
    failed |= cat(fd);
    close(fd);
  }
  return failed;
}
