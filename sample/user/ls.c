// ls: lists files and directories: name, type (d directory, - file, c device), inode and size.
#include "kernel/fcntl.h"
#include "kernel/fs.h"
#include "kernel/param.h"
#include "kernel/stat.h"
#include "user/user.h"

static void show(const char *name, const struct stat *st)
{
  static const char letters[] = {[T_DIR] = 'd', [T_FILE] = '-', [T_DEVICE] = 'c'};
  printf("%c %d\t%ld\t%s\n", letters[st->type], st->ino, st->size, name);
}

static int stat_of(const char *path, struct stat *st)
{
  int fd = open(path, O_RDONLY);
  int result = fd < 0 ? -1 : fstat(fd, st);
  if (fd >= 0)
    close(fd);
  if (result < 0)
    fprintf(2, "ls: cannot look at %s\n", path);
  return result;
}

// Reads the whole directory at once, to the end of our memory. Nothing frees it before exit.
static void list_directory(const char *path, int size)
{
  char full[MAXPATH];
  struct dirent *entries = (struct dirent *)sbrk(size);
  if (strlen(path) + 1 + DIRSIZ + 1 > MAXPATH || entries == (struct dirent *)-1) {
    fprintf(2, "ls: %s is too long\n", path);
    return;
  }
  strcpy(full, path);
  char *name = full + strlen(full);
  *name++ = '/';

  int fd = open(path, O_RDONLY);
  int n = read(fd, entries, size) / (int)sizeof(struct dirent);
  close(fd);
  for (struct dirent *de = entries; de < entries + n; de++) {
    if (de->inum == 0)
      continue;
    memcpy(name, de->name, DIRSIZ);
    name[DIRSIZ] = 0;
    struct stat st;
    if (stat_of(full, &st) == 0)
      show(name, &st);
  }
}

static int list(const char *path)
{
  struct stat st;
  if (stat_of(path, &st) < 0)
    return 1;
  if (st.type == T_DIR)
    list_directory(path, st.size);
  else
    show(path, &st);
  return 0;
}

int main(int argc, char **argv)
{
  if (argc < 2)
    return list(".");
  int failed = 0;
  for (int i = 1; i < argc; i++)
    failed |= list(argv[i]);
  return failed;
}
