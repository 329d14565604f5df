// For pages without widgets (how it works, licences): the theme switch is in reading.js.
import { copyButtons } from './copy.js';
import { upToDate } from './offline.js'; // with the button that forgets
import { progress } from './progress.js';

copyButtons();
upToDate();
progress(/** @type {Root} */ (/** @type {unknown} */ (document)));
