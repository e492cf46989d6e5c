// Names: directories, and paths through them.
#include "defs.h"
#include "file.h"
#include "proc.h"
#include "stat.h"

static int read_entry(struct inode *dir, uint off, struct dirent *de)
{
  return readi(dir, 0, (uint64)de, off, sizeof(*de)) == sizeof(*de);
}

// Returns the inode of `name` in dir, not locked, or 0. Stores the offset of its entry in *where unless that is 0.
struct inode *dirlookup(struct inode *dir, const char *name, uint *where)
{
  struct dirent de;
  for (uint off = 0; read_entry(dir, off, &de); off += sizeof(de)) {
    if (de.inum == 0 || strncmp(de.name, name, DIRSIZ) != 0)
      continue;
    if (where)
      *where = off;
    return iget(de.inum);
  }
  return 0;
}

// Adds a name to dir. Returns 0, or -1 if the name exists already or the disk is full.
int dirlink(struct inode *dir, const char *name, uint inum)
{
  struct inode *there = dirlookup(dir, name, 0);
  if (there) {
    iput(there);
    return -1;
  }

  struct dirent de;
  uint off = 0;  // the first free entry, or the end
  while (read_entry(dir, off, &de) && de.inum != 0)
    off += sizeof(de);

  memset(&de, 0, sizeof(de));
  de.inum = inum;
  for (int i = 0; i < DIRSIZ && name[i]; i++)
    de.name[i] = name[i];
  return writei(dir, 0, (uint64)&de, off, sizeof(de)) == sizeof(de) ? 0 : -1;
}

// Is dir empty except for . and .., which come first?
int dirisempty(struct inode *dir)
{
  struct dirent de;
  for (uint off = 2 * sizeof(de); read_entry(dir, off, &de); off += sizeof(de))
    if (de.inum != 0)
      return 0;
  return 1;
}

// Copies the first element of a path to name[DIRSIZ], truncated if necessary. Returns the rest of the path, or 0 if
// no element is left.
static const char *element(const char *path, char *name)
{
  while (*path == '/')
    path++;
  if (*path == 0)
    return 0;
  int n = 0;
  while (path[n] && path[n] != '/')
    n++;
  memset(name, 0, DIRSIZ);
  memmove(name, path, n < DIRSIZ ? n : DIRSIZ);
  path += n;
  while (*path == '/')
    path++;
  return path;
}

// Returns the inode of a path, or 0; with `parent`, the directory of its last element, which is copied to name.
static struct inode *follow(const char *path, int parent, char *name)
{
  struct inode *ip = *path == '/' ? iget(ROOTINO) : idup(myproc()->cwd);

  while ((path = element(path, name)) != 0) {
    ilock(ip);
    if (ip->type != T_DIR) {
      iunlockput(ip);
      return 0;
    }
    if (parent && *path == 0) {
      iunlock(ip);
      return ip;
    }
    struct inode *next = dirlookup(ip, name, 0);
    iunlockput(ip);
    if (next == 0)
      return 0;
    ip = next;
  }
  if (parent) {  // "/" has no parent
    iput(ip);
    return 0;
  }
  return ip;
}

struct inode *namei(const char *path)
{
  char name[DIRSIZ];
  return follow(path, 0, name);
}

struct inode *nameiparent(const char *path, char *name)
{
  return follow(path, 1, name);
}
