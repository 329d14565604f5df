// node restore.mjs CONFIG.json [CODE] : resume the snapshot under Node, time it, and run CODE (Python) in it.
import fs from 'node:fs';
import { resumed } from './resumed.mjs';

const began = performance.now();
const py = await resumed(process.argv[2]);
console.log(`resumed in ${Math.round(performance.now() - began)} ms`);
if (process.argv[3]) {
  console.log(await py.runPythonAsync(
    process.argv[3].startsWith('@') ? fs.readFileSync(process.argv[3].slice(1), 'utf8') : process.argv[3]));
}
process.exit(0);
