// The worker of a page in one file: Pyodide's modules are part of this script, the files come as messages from the
// page.
import './single-files.js';
import './worker.js';
