/**
 * The page that every panel is loaded into. Its content security policy lets in the panel's own bundle by a nonce, and
 * styles and fonts from the extension's folder: nothing inline, nothing remote.
 */
import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';

/** HTML for the view whose bundle is `<assets>/<name>.js`; `name` and `title` are our own words. */
export function webviewPage(webview: vscode.Webview, assets: vscode.Uri, name: string, title: string): string {
  const nonce = randomBytes(16).toString('base64');
  const address = (file: string) => webview.asWebviewUri(vscode.Uri.joinPath(assets, file)).toString();
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${webview.cspSource}`,
    `font-src ${webview.cspSource}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta http-equiv="Content-Security-Policy" content="${policy}" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>${title}</title>
    <link rel="stylesheet" href="${address(`${name}.css`)}" />
  </head>
  <body>
    <xv6-${name}></xv6-${name}>
    <script type="module" nonce="${nonce}" src="${address(`${name}.js`)}"></script>
  </body>
</html>`;
}
