// Opens databases with the driver alone, without the code under test.
import sqlcipher from '@journeyapps/sqlcipher'

/** Calls a method of the driver that takes a callback. */
export const call = (handle, method, ...words) =>
  new Promise((resolve, reject) =>
    handle[method](...words, (error, rows) => (error ? reject(error) : resolve(rows))),
  )

/** Opens a file with a raw key, of an old cipher format if one is given; without a key as plaintext. */
export async function withHandle(path, { key, format } = {}, work) {
  const handle = await new Promise((resolve, reject) => {
    const opened = new sqlcipher.Database(path, sqlcipher.OPEN_READWRITE, (error) =>
      error ? reject(error) : resolve(opened),
    )
  })
  try {
    if (key) await call(handle, 'exec', `PRAGMA cipher_log_level = NONE; PRAGMA key = "x'${key}'"`)
    if (format) await call(handle, 'exec', `PRAGMA cipher_compatibility = ${format}`)
    return await work(handle)
  } finally {
    await call(handle, 'close')
  }
}
