/** Entry point of the timeline's bundle. */
import '../panel.css';
import './timeline.css';
import { TimelineView } from './view';

customElements.define('xv6-timeline', TimelineView);
