// Runs beside tests of code that could hang, which nothing within their own thread would end: ends the process when the
// count that they keep has stood still for too long.
import { workerData } from 'node:worker_threads';

const { progress, patience } = workerData;
const count = new Int32Array(progress);
let last = -1;
setInterval(() => {
  if (count[0] === last && count[1] === 1) {
    process.stderr.write(`Case ${last} has not ended in ${patience} ms: ended by the watchdog\n`);
    process.kill(process.pid, 'SIGKILL');
  }
  last = count[0];
}, patience).unref();
