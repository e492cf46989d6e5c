// wc: counts lines, words and bytes of files, or of its input.
#include "kernel/fcntl.h"
#include "user/user.h"

static int count(int fd, const char *name)
{
  static char buf[512];
  int lines = 0, words = 0, bytes = 0, in_word = 0, n;
  while ((n = read(fd, buf, sizeof(buf))) > 0) {
    bytes += n;
    for (int i = 0; i < n; i++) {
      lines += buf[i] == '\n';
      int space = strchr(" \t\r\n\v\f", buf[i]) != 0;
      words += !space && !in_word;
      in_word = !space;
    }
  }
  if (n < 0) {
    fprintf(2, "wc: cannot read %s\n", name);
    return 1;
  }
  printf("%d %d %d %s\n", lines, words, bytes, name);
  return 0;
}

int main(int argc, char **argv)
{
  if (argc < 2)
    return count(0, "");
  int failed = 0;
  for (int i = 1; i < argc; i++) {
    int fd = open(argv[i], O_RDONLY);
    if (fd < 0) {
      fprintf(2, "wc: cannot open %s\n", argv[i]);
      failed = 1;
      continue;
    }
    failed |= count(fd, argv[i]);
    close(fd);
  }
  return failed;
}
