// Every fixed limit of the kernel in one place. Tables are static arrays, so a limit is also a bound on memory.
#pragma once

#define NCPU 8          // harts
#define NPROC 64        // processes
#define NOFILE 16       // open files of one process
#define NFILE 100       // open files of all processes
#define NINODE 50       // inodes in memory
#define NBUF 32         // disk blocks in memory
#define NDEV 4          // kinds of device file
#define MAXARG 16       // arguments of exec
#define MAXPATH 128     // bytes of a path, with its final zero
#define TICK 1000000    // time units between two clock ticks; the board counts 10 MHz, so 0.1 s
