import { chmodSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { makeFolderFor } from '../../../src/core/files/new-file.ts'
import { isSettled, syncFolder, syncFoldersAbove } from '../../../src/core/files/sync-folder.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

const hasProc = process.platform === 'linux' ? test : test.skip

test('a folder is put on the disk, with all above it', async () => {
  const folder = temporaryFolder()
  await syncFolder(folder)
  await syncFoldersAbove(join(folder, 'file'))
  expect(await isSettled(folder)).toBe(true)
})

hasProc('a file system that cannot do it (procfs answers EINVAL) is no error', async () => {
  await syncFolder('/proc/self')
  expect(await isSettled('/proc/self')).toBe(true)
})

test('a folder that may be written and not read is no error', async () => {
  const folder = join(temporaryFolder(), 'drop')
  mkdirSync(folder, { mode: 0o300 })
  await makeFolderFor(join(folder, 'deep', 'file'))
  chmodSync(folder, 0o700)
})

test('a folder that is not there has nothing to lose, and cannot be put on the disk', async () => {
  const folder = join(temporaryFolder(), 'missing')
  expect(await isSettled(folder)).toBe(true)
  await expect(syncFolder(folder)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('missing folders are made, and the topmost is named', async () => {
  const folder = temporaryFolder()
  expect(await makeFolderFor(join(folder, 'a', 'b', 'c', 'file'))).toBe(join(folder, 'a'))
  expect(await makeFolderFor(join(folder, 'a', 'b', 'c', 'file'))).toBeUndefined()
  expect(dirname(join(folder, 'a', 'b'))).toBe(join(folder, 'a'))
})
