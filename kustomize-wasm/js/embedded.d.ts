/** The module, gzipped, in base64. `embed.mjs` writes it. */
export const gzipped: string;
