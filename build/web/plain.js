// For pages without widgets (how it works, licences): the theme switch is in reading.js.
import { upToDate } from './offline.js'; // with the button that forgets
import { progress } from './progress.js';

upToDate();
progress(/** @type {Root} */ (/** @type {unknown} */ (document)));
