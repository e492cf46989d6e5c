// What the kernel tells a program in a page that both can read (UPAGE).
#pragma once

struct usyscall {
  int pid;
};
