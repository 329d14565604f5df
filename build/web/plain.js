// For pages without widgets (how it works, licences): the theme switch is in reading.js; this is the button that forgets.
import './offline.js';
import { progress } from './progress.js';

progress(document);
