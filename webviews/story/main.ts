/** Entry point of the Stop view's bundle. */
import '../panel.css';
import './story.css';
import { StoryView } from './view';

customElements.define('xv6-story', StoryView);
