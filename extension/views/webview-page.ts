/**
 * The page that every panel is loaded into. Its content security policy lets in the panel's own bundle by a nonce, and
 * styles and fonts from the extension's folder: nothing inline, nothing remote.
 */
import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { pageHtml } from './page-html';

/** HTML for the view whose bundle is `<assets>/<name>.js`; `name` and `title` are our own words. */
export function webviewPage(webview: vscode.Webview, assets: vscode.Uri, name: string, title: string): string {
  const nonce = randomBytes(16).toString('base64');
  const address = (file: string) => webview.asWebviewUri(vscode.Uri.joinPath(assets, file)).toString();
  return pageHtml({
    ...{ name, title, address, script: `nonce="${nonce}"` },
    policy: [`script-src 'nonce-${nonce}'`, `style-src ${webview.cspSource}`, `font-src ${webview.cspSource}`],
  });
}
