import backups from './backups.mjs'
import keys from './keys.mjs'
import reading from './reading.mjs'
import records from './records.mjs'
import searchIndex from './search-index.mjs'
import transfer from './transfer.mjs'
import wholeFiles from './whole-files.mjs'

/**
 * The operations by name.
 *
 * - `modes`: journal modes; both when it is missing
 * - `make(folder, mode)` fills a folder with the state before, `words(folder)` is the command
 * - `state(folder, result, reference)` returns the state of a folder: 'before', 'after', 'part' (a later run
 *   completes it), or in words what is wrong; `result` is the output of the run, `reference` the output
 *   without a fault
 * - `again(folder)` is the command that completes it, the same when it is missing; `converged` are the exit
 *   codes that it may return, `ends(state)` is the state that it ends in
 * - `tidy(folder)` are commands after which nothing unfinished is left; another backup when it is missing
 * - `parts`: a run that fails may have done a part
 * - `warns`: a failure for one of many is a warning
 * - `reports`: an exit code that comes with a report on stdout
 * - `spread`: the number of consecutive calls on one file at which a fault is tried, see points.mjs
 * - `made`: files in the folder that are removed again when a run fails
 * - `plaintext`: a text that no file contains in the end, except those whose path in the folder matches
 *   `mayHold`
 * - `reads`, `answer`: it changes nothing; the part of its output that has to be the same each time
 * - `environment`: for its runs with the interceptor
 */
export const OPERATIONS = {
  ...wholeFiles,
  ...backups,
  ...records,
  ...transfer,
  ...searchIndex,
  ...keys,
  ...reading,
}
