/** Entry point of the page-table panel's bundle. */
import '@vscode/codicons/dist/codicon.css';
import '../panel.css';
import './page-table.css';
import './view';
