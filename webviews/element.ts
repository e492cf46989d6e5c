/** Makes an element of a page with its properties. */
export const element = <Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Partial<HTMLElementTagNameMap[Name]> & { role?: string },
): HTMLElementTagNameMap[Name] => Object.assign(document.createElement(name), properties);
