/** What a source file says: for tests that every sentence has an example. */
import { readFileSync } from 'node:fs';
import ts from 'typescript';

/** The parts of a file's texts that have at least two words. */
export function wordsIn(path: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    const isText = ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node);
    if (isText && !ts.isImportDeclaration(node.parent) && /[a-z]{2,} [a-z]{2,}/.test(node.text)) found.push(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true));
  return found;
}

/** Those of them that are in none of these texts. */
export const unsaid = (path: string, said: readonly string[]): string[] =>
  wordsIn(path).filter((text) => !said.some((one) => one.includes(text)));
