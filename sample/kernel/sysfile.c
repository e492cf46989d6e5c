// System calls for files. They check the user's arguments; file.c, inode.c and directory.c do the work.
#include "defs.h"
#include "fcntl.h"
#include "file.h"
#include "proc.h"
#include "stat.h"

// The n-th argument as an open file, and its descriptor unless fd is 0. 0 if it is none.
static struct file *argfd(int n, int *fd)
{
  int i = argint(n);
  if (i < 0 || i >= NOFILE)
    return 0;
  if (fd)
    *fd = i;
  return myproc()->ofile[i];
}

// The lowest free descriptor, now f's, or -1.
static int fdalloc(struct file *f)
{
  struct proc *p = myproc();
  for (int fd = 0; fd < NOFILE; fd++) {
    if (p->ofile[fd] == 0) {
      p->ofile[fd] = f;
      return fd;
    }
  }
  return -1;
}

uint64 sys_dup(void)
{
  struct file *f = argfd(0, 0);
  int fd = f ? fdalloc(f) : -1;
  if (fd >= 0)
    filedup(f);
  return fd;
}

uint64 sys_read(void)
{
  struct file *f = argfd(0, 0);
  return f ? fileread(f, argument(1), argint(2)) : -1;
}

uint64 sys_write(void)
{
  struct file *f = argfd(0, 0);
  return f ? filewrite(f, argument(1), argint(2)) : -1;
}

uint64 sys_close(void)
{
  int fd;
  struct file *f = argfd(0, &fd);
  if (f == 0)
    return -1;
  myproc()->ofile[fd] = 0;
  fileclose(f);
  return 0;
}

uint64 sys_fstat(void)
{
  struct file *f = argfd(0, 0);
  return f ? filestat(f, argument(1)) : -1;
}

// Makes a file or directory at path. Returns it locked, or 0. A plain file that exists already is returned too.
static struct inode *create(const char *path, ushort type)
{
  char name[DIRSIZ];
  struct inode *dir = nameiparent(path, name);
  if (dir == 0)
    return 0;
  ilock(dir);

  struct inode *ip = dir->nlink > 0 ? dirlookup(dir, name, 0) : 0;
  if (ip) {
    iunlockput(dir);
    ilock(ip);
    if (type == T_FILE && ip->type != T_DIR)
      return ip;
    iunlockput(ip);
    return 0;
  }
  if (dir->nlink == 0 || (ip = ialloc(type)) == 0) {  // a directory that was removed takes no new names
    iunlockput(dir);
    return 0;
  }

  ilock(ip);
  ip->nlink = 1;
  iupdate(ip);
  int ok = type != T_DIR || (dirlink(ip, ".", ip->inum) == 0 && dirlink(ip, "..", dir->inum) == 0);
  if (!ok || dirlink(dir, name, ip->inum) < 0) {
    ip->nlink = 0;  // iput will free it
    iunlockput(ip);
    iunlockput(dir);
    return 0;
  }
  iunlockput(dir);
  return ip;
}

uint64 sys_mkdir(void)
{
  char path[MAXPATH];
  struct inode *ip = argstr(0, path, MAXPATH) < 0 ? 0 : create(path, T_DIR);
  if (ip == 0)
    return -1;
  iunlockput(ip);
  return 0;
}

uint64 sys_open(void)
{
  char path[MAXPATH];
  int mode = argint(1);
  if (argstr(0, path, MAXPATH) < 0)
    return -1;

  struct inode *ip;
  if (mode & O_CREATE) {
    ip = create(path, T_FILE);
  } else if ((ip = namei(path)) != 0) {
    ilock(ip);
  }
  if (ip == 0)
    return -1;

  int writable = (mode & (O_WRONLY | O_RDWR)) != 0;
  struct file *f = 0;
  int fd = -1;
  int allowed = !(ip->type == T_DIR && writable) && !(ip->type == T_DEVICE && ip->addrs[0] >= NDEV);
  if (!allowed || (f = filealloc()) == 0 || (fd = fdalloc(f)) < 0) {
    if (f)
      fileclose(f);
    iunlockput(ip);
    return -1;
  }

  f->readable = (mode & O_WRONLY) == 0;
  f->writable = writable;
  f->ip = ip;
  f->off = 0;
  f->major = ip->addrs[0];
  f->type = ip->type == T_DEVICE ? FD_DEVICE : FD_INODE;
  if ((mode & O_TRUNC) && writable && ip->type == T_FILE)
    itrunc(ip);
  iunlock(ip);
  return fd;
}

uint64 sys_unlink(void)
{
  char path[MAXPATH], name[DIRSIZ];
  struct inode *dir;
  if (argstr(0, path, MAXPATH) < 0 || (dir = nameiparent(path, name)) == 0)
    return -1;

  ilock(dir);
  uint where;
  struct inode *ip = 0;
  int dots = strncmp(name, ".", DIRSIZ) == 0 || strncmp(name, "..", DIRSIZ) == 0;
  if (dots || (ip = dirlookup(dir, name, &where)) == 0) {
    iunlockput(dir);
    return -1;
  }
  ilock(ip);
  int removed = 0;
  if (ip->type != T_DIR || dirisempty(ip)) {
    struct dirent none = {0};
    if (writei(dir, 0, (uint64)&none, where, sizeof(none)) != sizeof(none))
      panic("unlink: an entry that was read cannot be written");
    ip->nlink = 0;  // no file has more than one name
    iupdate(ip);
    removed = 1;
  }
  iunlockput(ip);
  iunlockput(dir);
  return removed ? 0 : -1;
}

uint64 sys_chdir(void)
{
  char path[MAXPATH];
  struct inode *ip;
  if (argstr(0, path, MAXPATH) < 0 || (ip = namei(path)) == 0)
    return -1;
  ilock(ip);
  if (ip->type != T_DIR) {
    iunlockput(ip);
    return -1;
  }
  iunlock(ip);
  struct proc *p = myproc();
  iput(p->cwd);
  p->cwd = ip;
  return 0;
}

// pipe(int fd[2]): fd[0] reads what is written to fd[1].
uint64 sys_pipe(void)
{
  struct proc *p = myproc();
  struct file *end[2];
  int fd[2] = {-1, -1};
  if (pipealloc(&end[0], &end[1]) < 0)
    return -1;
  if ((fd[0] = fdalloc(end[0])) >= 0 && (fd[1] = fdalloc(end[1])) >= 0 &&
      copyout(p->pagetable, argument(0), fd, sizeof(fd)) == 0)
    return 0;

  for (int i = 0; i < 2; i++) {
    if (fd[i] >= 0)
      p->ofile[fd[i]] = 0;
    fileclose(end[i]);
  }
  return -1;
}

// exec(path, argv): copies each argument into a page, since the memory that contains them will be freed.
uint64 sys_exec(void)
{
  char path[MAXPATH];
  char *argv[MAXARG + 1] = {0};
  uint64 uargv = argument(1), uarg;
  int result = -1;
  if (argstr(0, path, MAXPATH) < 0)
    return -1;

  for (int i = 0; i <= MAXARG; i++) {
    if (copyin(myproc()->pagetable, &uarg, uargv + i * sizeof(uarg), sizeof(uarg)) < 0)
      break;
    if (uarg == 0) {
      result = exec(path, argv);
      break;
    }
    if (i == MAXARG || (argv[i] = kalloc()) == 0 ||
        copyinstr(myproc()->pagetable, argv[i], uarg, PGSIZE) < 0)
      break;
  }
  for (int i = 0; i < MAXARG && argv[i]; i++)
    kfree(argv[i]);
  return result;
}
