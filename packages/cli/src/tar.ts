/** Archives of a few small files, in the format that every tar reads. Writes only. */

export interface ArchivedFile {
  /** At most 100 bytes, with slashes. */
  readonly path: string;
  readonly content: Uint8Array;
}

/** @param modifiedMs of all files, in milliseconds since 1970 */
export async function tar(files: readonly ArchivedFile[], modifiedMs: number): Promise<Buffer> {
  // The command line starts without the server, which is large.
  const { tarEnd, tarHeader, tarPadding } = await import('@rollcall/server');
  const blocks = files.flatMap(({ path, content }) => [
    tarHeader(path, content.length, modifiedMs),
    content,
    tarPadding(content.length),
  ]);
  return Buffer.concat([...blocks, tarEnd()]);
}
