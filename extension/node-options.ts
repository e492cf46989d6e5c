/** Options with which our programs are started on the editor's own Node. */

/** As in the programs' first line: as many threads that compile as there are other processors. Electron takes care of that itself. */
export const FOR_NODE = process.versions.electron === undefined ? ['--v8-pool-size=0'] : [];
