/** Bytes as SQL writes them: `x'00ff'`. */
export const bytesAsText = (bytes: Uint8Array) => `x'${Buffer.from(bytes).toString('hex')}'`
