/**
 * ZIP archives of files as they are, uncompressed, with names in UTF-8: section 4.3 of
 * https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */

const UTF8 = 0x0800;
const VERSION = 20;
const FIRST_DAY = 0x21; // of 1980: when a file was changed is nobody's business

/** @param {{name: string, blob: Blob}[]} files  @returns {Promise<Blob>} */
export async function zipOf(files) {
  const parts = [];
  const list = [];
  let offset = 0;
  for (const { name, blob } of files) {
    const encoded = new TextEncoder().encode(name);
    const common = [
      [2, VERSION],
      [2, UTF8],
      [2, 0], // stored
      [2, 0],
      [2, FIRST_DAY],
      [4, crc32(new Uint8Array(await blob.arrayBuffer()))],
      [4, blob.size],
      [4, blob.size],
      [2, encoded.length],
      [2, 0],
    ];
    const head = bytes([[4, 0x04034b50], ...common]);
    parts.push(head, encoded, blob);
    list.push(bytes([[4, 0x02014b50], [2, VERSION], ...common, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]]), encoded);
    offset += head.length + encoded.length + blob.size;
  }
  const size = list.reduce((sum, part) => sum + part.length, 0);
  const many = [2, files.length];
  const end = bytes([[4, 0x06054b50], [2, 0], [2, 0], many, many, [4, size], [4, offset], [2, 0]]);
  return new Blob([...parts, ...list, end], { type: "application/zip" });
}

/** Numbers, each with how many bytes it takes, the lowest byte first. */
function bytes(fields) {
  return Uint8Array.from(
    fields.flatMap(([size, value]) => Array.from({ length: size }, (_, at) => value >>> (8 * at))),
  );
}

const TABLE = Uint32Array.from({ length: 256 }, (_, value) => {
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc32(content) {
  let sum = 0xffffffff;
  for (const byte of content) sum = TABLE[(sum ^ byte) & 255] ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}
