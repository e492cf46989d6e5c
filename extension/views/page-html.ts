/** The HTML of a webview's page. Its landmark and its heading are for screen readers; the heading is not seen. */

export interface PageParts {
  /** Of the view: its bundle is `<name>.js`, and its element `<xv6-name>`. Our own word, as all of these are. */
  name: string;
  title: string;
  /** The directives of the content security policy beside those that hold for every page. */
  policy: readonly string[];
  /** Attributes of the script beside its type and source. */
  script?: string;
  /** Where a file of the bundles is found. */
  address: (file: string) => string;
}

export function pageHtml({ name, title, policy, script = '', address }: PageParts): string {
  const all = ["default-src 'none'", ...policy, "base-uri 'none'", "form-action 'none'"].join('; ');
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta http-equiv="Content-Security-Policy" content="${all}" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>${title}</title>
    <link rel="stylesheet" href="${address(`${name}.css`)}" />
  </head>
  <body>
    <main>
      <h1 class="page-title">${title}</h1>
      <xv6-${name}></xv6-${name}>
    </main>
    <script type="module" ${script} src="${address(`${name}.js`)}"></script>
  </body>
</html>`;
}
