import './single.js';
import './page.js';
