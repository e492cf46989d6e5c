/** What an error says, for whoever reads it in the editor. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
